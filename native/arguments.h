// The arguments of a call from JavaScript, checked one by one, and the coded errors that a call ends with.
#ifndef CLOSE_WAIT_GUARD_ARGUMENTS_H_
#define CLOSE_WAIT_GUARD_ARGUMENTS_H_

#include <napi.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>

#include "syscall.h"

namespace cwg {

using ErrorConstructor = napi_status (*)(napi_env, napi_value, napi_value, napi_value*);

void ThrowArgument(napi_env env, ErrorConstructor create, const std::string& message);
void ThrowSyscall(napi_env env, const SyscallError& failure);

struct ArrayType {
  napi_typedarray_type type;
  const char* name;
};
constexpr ArrayType kInt32Array = {napi_int32_array, "Int32Array"};
constexpr ArrayType kUint32Array = {napi_uint32_array, "Uint32Array"};
constexpr ArrayType kUint16Array = {napi_uint16_array, "Uint16Array"};
constexpr ArrayType kUint8Array = {napi_uint8_array, "Uint8Array"};
constexpr ArrayType kFloat64Array = {napi_float64_array, "Float64Array"};
constexpr ArrayType kBigUint64Array = {napi_biguint64_array, "BigUint64Array"};

template <typename Element>
struct Span {
  Element* data = nullptr;
  std::size_t length = 0;
};

std::string WithArticle(const char* name);
std::string Describe(double number);
// "a string", "an array": names what was passed without running any of the caller's code.
std::string Describe(const Napi::Value& value);

// Takes the arguments of one call. The first that does not fit throws; after that ok() is false, and every other
// argument is 0 or empty.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function) : info_(info), function_(function) {}

  bool ok() const { return ok_; }

  std::int64_t Integer(std::size_t index, const char* name, std::int64_t min, std::int64_t max);

  // An integer from 0 to `max`. After an argument that did not fit, `max` may be anything.
  std::size_t Size(std::size_t index, const char* name, std::size_t max) {
    return ok_ ? static_cast<std::size_t>(Integer(index, name, 0, static_cast<std::int64_t>(max))) : 0;
  }

  // A number that an fd can have, open or not.
  int Fd(std::size_t index, const char* name, int min = 0) {
    return static_cast<int>(Integer(index, name, min, INT_MAX));
  }

  // Of a name: letters and digits, which take one byte each.
  std::string Text(std::size_t index, const char* name);

  // For a rule that goes beyond minimum and maximum.
  void RejectRange(const char* name, const std::string& takes, const std::string& got) {
    Reject(napi_create_range_error, name, takes, got);
  }

  template <typename Element>
  Span<Element> Array(std::size_t index, const char* name, const ArrayType& type, std::size_t min_length = 0) {
    if (!ok_) return {};
    const Napi::Value value = info_[index];
    std::string takes = WithArticle(type.name);
    if (min_length > 0) {
      takes += " of at least " + std::to_string(min_length) + (min_length == 1 ? " element" : " elements");
    }
    napi_typedarray_type actual = napi_int8_array;
    void* data = nullptr;
    napi_value buffer = nullptr;
    std::size_t length = 0;
    if (!value.IsTypedArray() ||
        napi_get_typedarray_info(info_.Env(), value, &actual, &length, &data, &buffer, nullptr) != napi_ok ||
        actual != type.type) {
      return Reject(napi_create_type_error, name, takes, Describe(value)), Span<Element>{};
    }
    bool detached = false;
    if (length == 0) napi_is_detached_arraybuffer(info_.Env(), buffer, &detached);
    if (detached) return Reject(napi_create_range_error, name, takes, "a detached one"), Span<Element>{};
    if (length < min_length) {
      return Reject(napi_create_range_error, name, takes, "one of length " + std::to_string(length)), Span<Element>{};
    }
    return {static_cast<Element*>(data), length};
  }

 private:
  void Reject(ErrorConstructor create, const char* name, const std::string& takes, const std::string& got);

  const Napi::CallbackInfo& info_;
  const char* function_;
  bool ok_ = true;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_ARGUMENTS_H_
