// Marshalling only: checks every argument, calls the plain C++ beside it, and turns its errors into coded JavaScript
// ones. The contract is src/kernel/native.ts.
#include <errno.h>
#include <napi.h>
#include <netinet/in.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <string>

#include "fd_table.h"
#include "half_close_watch.h"
#include "sock_diag.h"
#include "socket_abort.h"
#include "socket_reader.h"
#include "socket_record.h"

namespace {

constexpr double kMaxFd = 2147483647;

// Errors are made with plain Node-API calls whose status does not matter: in a worker thread that is being terminated
// each of them may fail, and node-addon-api's wrappers take a failure here for fatal.
napi_value Text(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

using ErrorConstructor = napi_status (*)(napi_env, napi_value, napi_value, napi_value*);

napi_value NewError(napi_env env, ErrorConstructor create, const char* code, const std::string& message) {
  napi_value error = nullptr;
  create(env, nullptr, Text(env, message), &error);
  napi_set_named_property(env, error, "code", Text(env, code));
  return error;
}

void ThrowArgument(napi_env env, ErrorConstructor create, const std::string& message) {
  napi_throw(env, NewError(env, create, "CWG_ERR_NATIVE_ARGUMENT", message));
}

void ThrowSyscall(napi_env env, const cwg::SyscallError& failure) {
  napi_value error = NewError(env, napi_create_error, "CWG_ERR_SYSCALL",
                              std::string(failure.call) + ": " + std::strerror(failure.number));
  napi_value number = nullptr;
  napi_create_int32(env, failure.number, &number);
  napi_set_named_property(env, error, "errno", number);
  napi_set_named_property(env, error, "syscall", Text(env, failure.call));
  napi_throw(env, error);
}

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

std::string WithArticle(const char* name) { return std::string(name[0] == 'I' ? "an " : "a ") + name; }

std::string Describe(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  char text[32];
  std::snprintf(text, sizeof(text), "%.16g", number);
  return text;
}

// "a string", "an array": names what was passed without running any of the caller's code.
std::string Describe(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number:
      return Describe(value.As<Napi::Number>().DoubleValue());
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_bigint:
      return "a bigint";
    case napi_function:
      return "a function";
    default:
      break;
  }
  if (value.IsArray()) return "an array";
  if (!value.IsTypedArray()) return "an object";
  static constexpr const char* kNames[] = {"Int8Array",     "Uint8Array",   "Uint8ClampedArray", "Int16Array",
                                           "Uint16Array",   "Int32Array",   "Uint32Array",       "Float32Array",
                                           "Float64Array",  "BigInt64Array", "BigUint64Array"};
  const std::size_t type = value.As<Napi::TypedArray>().TypedArrayType();
  return type < std::size(kNames) ? WithArticle(kNames[type]) : "a typed array of another kind";
}

// Takes the arguments of one call. The first that does not fit throws; after that ok() is false and the rest is empty.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function) : info_(info), function_(function) {}

  bool ok() const { return ok_; }

  double Integer(std::size_t index, const char* name, double min, double max) {
    if (!ok_) return 0;
    const Napi::Value value = info_[index];
    const std::string takes = "an integer from " + Describe(min) + " to " + Describe(max);
    if (!value.IsNumber()) return Reject(napi_create_type_error, name, takes, Describe(value)), 0;
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= min && number <= max && std::trunc(number) == number) return number;
    return Reject(napi_create_range_error, name, takes, Describe(value)), 0;
  }

  template <typename Element>
  Span<Element> Array(std::size_t index, const char* name, const ArrayType& type, double min_length = 0) {
    if (!ok_) return {};
    const Napi::Value value = info_[index];
    std::string takes = WithArticle(type.name);
    if (min_length > 0) takes += " of at least " + Describe(min_length) + (min_length == 1 ? " element" : " elements");
    napi_typedarray_type actual;
    void* data = nullptr;
    napi_value buffer;
    std::size_t length = 0;
    if (!value.IsTypedArray() || napi_get_typedarray_info(info_.Env(), value, &actual, &length, &data, &buffer,
                                                          nullptr) != napi_ok || actual != type.type) {
      return Reject(napi_create_type_error, name, takes, Describe(value)), Span<Element>{};
    }
    bool detached = false;
    if (length == 0) napi_is_detached_arraybuffer(info_.Env(), buffer, &detached);
    if (detached) return Reject(napi_create_range_error, name, takes, "a detached one"), Span<Element>{};
    if (static_cast<double>(length) < min_length) {
      return Reject(napi_create_range_error, name, takes, "one of length " + std::to_string(length)), Span<Element>{};
    }
    return {static_cast<Element*>(data), length};
  }

 private:
  void Reject(ErrorConstructor create, const char* name, const std::string& takes, const std::string& got) {
    ok_ = false;
    ThrowArgument(info_.Env(), create, std::string(function_) + ": " + name + " must be " + takes + ", got " + got);
  }

  const Napi::CallbackInfo& info_;
  const char* function_;
  bool ok_ = true;
};

Napi::Value Count(Napi::Env env, std::size_t count) { return Napi::Number::New(env, static_cast<double>(count)); }

class HalfCloseWatch : public Napi::ObjectWrap<HalfCloseWatch> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "HalfCloseWatch",
                       {InstanceMethod("add", &HalfCloseWatch::Add), InstanceMethod("drain", &HalfCloseWatch::Drain),
                        InstanceMethod("close", &HalfCloseWatch::Close)});
  }

  // node-addon-api calls this for HalfCloseWatch() without new.
  static Napi::Value OnCalledAsFunction(const Napi::CallbackInfo& info) {
    ThrowArgument(info.Env(), napi_create_type_error, "HalfCloseWatch: must be called with new, got a plain call");
    return info.Env().Undefined();
  }

  explicit HalfCloseWatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<HalfCloseWatch>(info) {
    // In a worker thread that is being terminated napi_wrap fails: no finalizer would ever close what we open here.
    if (IsEmpty()) return;
    if (cwg::SyscallError error = watch_.Open()) ThrowSyscall(info.Env(), error);
  }

 private:
  bool CheckOpen(const Napi::CallbackInfo& info, const char* function) {
    if (watch_.is_open()) return true;
    ThrowArgument(info.Env(), napi_create_type_error, std::string(function) + ": watch is closed");
    return false;
  }

  Napi::Value Add(const Napi::CallbackInfo& info) {
    if (!CheckOpen(info, "HalfCloseWatch.add")) return {};
    Arguments arguments(info, "HalfCloseWatch.add");
    const auto fds = arguments.Array<std::int32_t>(0, "fds", kInt32Array);
    const double count = arguments.Integer(1, "count", 0, static_cast<double>(fds.length));
    const auto cookies = arguments.Array<std::uint64_t>(2, "cookies", kBigUint64Array, count);
    const auto errnos = arguments.Array<std::int32_t>(3, "errnos", kInt32Array, count);
    if (!arguments.ok()) return {};
    std::size_t added = 0;
    for (std::size_t i = 0; i < count; i++) {
      errnos.data[i] = watch_.Add(fds.data[i], &cookies.data[i]);
      if (errnos.data[i] == 0) added++;
    }
    return Count(info.Env(), added);
  }

  Napi::Value Drain(const Napi::CallbackInfo& info) {
    if (!CheckOpen(info, "HalfCloseWatch.drain")) return {};
    Arguments arguments(info, "HalfCloseWatch.drain");
    // An empty array would be full for ever, and "call again" a loop without end.
    const auto cookies = arguments.Array<std::uint64_t>(0, "cookies", kBigUint64Array, 1);
    const auto events =
        arguments.Array<std::uint32_t>(1, "events", kUint32Array, static_cast<double>(cookies.length));
    if (!arguments.ok()) return {};
    std::size_t count = 0;
    if (cwg::SyscallError error = watch_.Drain(cookies.data, events.data, cookies.length, &count)) {
      ThrowSyscall(info.Env(), error);
      return {};
    }
    return Count(info.Env(), count);
  }

  void Close(const Napi::CallbackInfo&) { watch_.Close(); }

  cwg::HalfCloseWatch watch_;
};

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports,
                {
                    InstanceValue("layoutVersion", Napi::Number::New(env, cwg::kLayoutVersion), napi_enumerable),
                    InstanceValue("recordFields", Names(env, cwg::kRecordFields), napi_enumerable),
                    InstanceValue("dumpFields", Names(env, cwg::kDumpFields), napi_enumerable),
                    InstanceValue("endpointBytes", Count(env, cwg::kEndpointBytes), napi_enumerable),
                    InstanceMethod("readSockets", &Addon::ReadSockets, napi_enumerable),
                    InstanceMethod("readEndpoints", &Addon::ReadEndpoints, napi_enumerable),
                    InstanceMethod("formatAddress", &Addon::FormatAddress, napi_enumerable),
                    InstanceMethod("listTcpFds", &Addon::ListTcpFds, napi_enumerable),
                    InstanceMethod("fdTableSize", &Addon::FdTableSize, napi_enumerable),
                    InstanceMethod("fdUsage", &Addon::FdUsage, napi_enumerable),
                    InstanceMethod("dumpSockets", &Addon::DumpSockets, napi_enumerable),
                    InstanceMethod("abortOnClose", &Addon::AbortOnClose, napi_enumerable),
                    InstanceValue("HalfCloseWatch", HalfCloseWatch::Define(env), napi_enumerable),
                });
  }

 private:
  template <std::size_t kLength>
  static Napi::Array Names(Napi::Env env, const char* const (&names)[kLength]) {
    Napi::Array array = Napi::Array::New(env, kLength);
    for (std::size_t i = 0; i < kLength; i++) array.Set(static_cast<std::uint32_t>(i), names[i]);
    array.Freeze();
    return array;
  }

  Napi::Value ReadSockets(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "readSockets");
    const auto fds = arguments.Array<std::int32_t>(0, "fds", kInt32Array);
    const double count = arguments.Integer(1, "count", 0, static_cast<double>(fds.length));
    const auto values = arguments.Array<double>(2, "values", kFloat64Array, count * cwg::kRecordColumns);
    const auto cookies = arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array, count);
    if (!arguments.ok()) return {};
    std::size_t read = 0;
    for (std::size_t i = 0; i < count; i++) {
      if (cwg::ReadSocket(fds.data[i], values.data + i * cwg::kRecordColumns, &cookies.data[i])) read++;
    }
    return Count(info.Env(), read);
  }

  Napi::Value ReadEndpoints(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "readEndpoints");
    const auto fds = arguments.Array<std::int32_t>(0, "fds", kInt32Array);
    const double count = arguments.Integer(1, "count", 0, static_cast<double>(fds.length));
    const auto endpoints =
        arguments.Array<std::uint8_t>(2, "endpoints", kUint8Array, count * cwg::kEndpointBytes);
    if (!arguments.ok()) return {};
    std::size_t read = 0;
    for (std::size_t i = 0; i < count; i++) {
      if (cwg::ReadEndpoints(fds.data[i], endpoints.data + i * cwg::kEndpointBytes)) read++;
    }
    return Count(info.Env(), read);
  }

  Napi::Value FormatAddress(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "formatAddress");
    const auto address = arguments.Array<std::uint8_t>(0, "address", kUint8Array, cwg::kAddressBytes);
    const double last = static_cast<double>(address.length) - cwg::kAddressBytes;
    const double offset = arguments.Integer(1, "offset", 0, last);
    const double family = arguments.Integer(2, "family", 4, 6);
    if (!arguments.ok()) return {};
    if (family == 5) {
      ThrowArgument(info.Env(), napi_create_range_error, "formatAddress: family must be 4 or 6, got 5");
      return {};
    }
    char text[INET6_ADDRSTRLEN] = {};
    cwg::FormatAddress(address.data + static_cast<std::size_t>(offset), static_cast<int>(family), text, sizeof(text));
    return Napi::String::New(info.Env(), text);
  }

  Napi::Value ListTcpFds(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "listTcpFds");
    const double from = arguments.Integer(0, "from", 0, kMaxFd);
    const double to = arguments.Integer(1, "to", from, kMaxFd);
    // An empty array would be full from the start: nobody could tell that from "none found".
    const auto fds = arguments.Array<std::int32_t>(2, "fds", kInt32Array, 1);
    const auto cookies =
        arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array, static_cast<double>(fds.length));
    if (!arguments.ok()) return {};
    return Count(info.Env(), cwg::ListTcpFds(static_cast<int>(from), static_cast<int>(to), fds.data, cookies.data,
                                             fds.length));
  }

  Napi::Value FdTableSize(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), cwg::FdTableSize()); }

  Napi::Value FdUsage(const Napi::CallbackInfo& info) {
    const cwg::FdUsage usage = cwg::ReadFdUsage();
    Napi::Array pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0u, usage.open);
    pair.Set(1u, usage.soft_limit);
    return pair;
  }

  Napi::Value AbortOnClose(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "abortOnClose");
    const double fd = arguments.Integer(0, "fd", 0, kMaxFd);
    const auto cookie = arguments.Array<std::uint64_t>(1, "cookie", kBigUint64Array, 1);
    if (!arguments.ok()) return {};
    return Napi::Number::New(info.Env(), cwg::AbortOnClose(static_cast<int>(fd), cookie.data[0]));
  }

  Napi::Value DumpSockets(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "dumpSockets");
    const double state_mask = arguments.Integer(0, "stateMask", 0, 4294967295.0);
    const auto ports = arguments.Array<std::uint16_t>(1, "ports", kUint16Array);
    const auto values = arguments.Array<double>(2, "values", kFloat64Array);
    const auto cookies = arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array,
                                                        std::floor(static_cast<double>(values.length) / cwg::kDumpColumns));
    Span<std::uint8_t> endpoints;
    if (!info[4].IsUndefined()) {
      endpoints = arguments.Array<std::uint8_t>(4, "endpoints", kUint8Array,
                                                static_cast<double>(values.length / cwg::kDumpColumns * cwg::kEndpointBytes));
    }
    if (!arguments.ok()) return {};
    std::unique_ptr<cwg::PortSet> wanted;
    if (ports.length > 0) {
      wanted.reset(new (std::nothrow) cwg::PortSet());
      if (!wanted) {
        ThrowSyscall(info.Env(), {"malloc", ENOMEM});
        return {};
      }
      for (std::size_t i = 0; i < ports.length; i++) wanted->set(ports.data[i]);
    }
    cwg::DumpRows rows;
    rows.values = values.data;
    rows.cookies = cookies.data;
    rows.endpoints = endpoints.data;
    rows.capacity = values.length / cwg::kDumpColumns;
    if (cwg::SyscallError error = cwg::DumpSockets(static_cast<std::uint32_t>(state_mask), wanted.get(), &rows)) {
      ThrowSyscall(info.Env(), error);
      return {};
    }
    return Count(info.Env(), rows.matched);
  }
};

}  // namespace

NODE_API_ADDON(Addon)
