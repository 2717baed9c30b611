#include "arguments.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace cwg {
namespace {

// Errors are made with plain Node-API calls whose status does not matter: in a worker thread that is being terminated
// each of them may fail, and node-addon-api's wrappers take a failure here for fatal.
napi_value Text(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value NewError(napi_env env, ErrorConstructor create, const char* code, const std::string& message) {
  napi_value error = nullptr;
  create(env, nullptr, Text(env, message), &error);
  napi_set_named_property(env, error, "code", Text(env, code));
  return error;
}

}  // namespace

void ThrowArgument(napi_env env, ErrorConstructor create, const std::string& message) {
  napi_throw(env, NewError(env, create, "CWG_ERR_NATIVE_ARGUMENT", message));
}

void ThrowSyscall(napi_env env, const SyscallError& failure) {
  napi_value error = NewError(env, napi_create_error, "CWG_ERR_SYSCALL",
                              std::string(failure.call) + ": " + std::strerror(failure.number));
  napi_value number = nullptr;
  napi_create_int32(env, failure.number, &number);
  napi_set_named_property(env, error, "errno", number);
  napi_set_named_property(env, error, "syscall", Text(env, failure.call));
  napi_throw(env, error);
}

std::string WithArticle(const char* name) { return std::string(name[0] == 'I' ? "an " : "a ") + name; }

std::string Describe(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  char text[32];
  std::snprintf(text, sizeof(text), "%.16g", number);
  return text;
}

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
  static constexpr const char* kNames[] = {"Int8Array",    "Uint8Array",    "Uint8ClampedArray", "Int16Array",
                                           "Uint16Array",  "Int32Array",    "Uint32Array",       "Float32Array",
                                           "Float64Array", "BigInt64Array", "BigUint64Array"};
  const std::size_t type = value.As<Napi::TypedArray>().TypedArrayType();
  return type < std::size(kNames) ? WithArticle(kNames[type]) : "a typed array of another kind";
}

std::int64_t Arguments::Integer(std::size_t index, const char* name, std::int64_t min, std::int64_t max) {
  if (!ok_) return 0;
  const Napi::Value value = info_[index];
  const std::string takes = "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value.IsNumber()) return Reject(napi_create_type_error, name, takes, Describe(value)), 0;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (number >= static_cast<double>(min) && number <= static_cast<double>(max) && std::trunc(number) == number) {
    return static_cast<std::int64_t>(number);
  }
  return Reject(napi_create_range_error, name, takes, Describe(value)), 0;
}

std::string Arguments::Text(std::size_t index, const char* name) {
  if (!ok_) return {};
  const Napi::Value value = info_[index];
  if (!value.IsString()) return Reject(napi_create_type_error, name, "a string", Describe(value)), std::string();
  return value.As<Napi::String>().Utf8Value();
}

void Arguments::Reject(ErrorConstructor create, const char* name, const std::string& takes, const std::string& got) {
  ok_ = false;
  ThrowArgument(info_.Env(), create, std::string(function_) + ": " + name + " must be " + takes + ", got " + got);
}

}  // namespace cwg
