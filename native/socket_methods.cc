#include <cstdint>

#include "arguments.h"
#include "layout.h"
#include "linux/endpoints.h"
#include "linux/socket_abort.h"
#include "linux/socket_reader.h"
#include "linux/write_now.h"
#include "methods.h"

namespace cwg {

Napi::Value ReadSocketsMethod(const Napi::CallbackInfo& info) {
  constexpr std::size_t kColumns = std::size(kRecordColumns);
  Arguments arguments(info, "readSockets");
  const auto fds = arguments.Array<std::int32_t>(0, "fds", kInt32Array);
  const std::size_t count = arguments.Size(1, "count", fds.length);
  const auto values = arguments.Array<double>(2, "values", kFloat64Array, count * kColumns);
  const auto cookies = arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array, count);
  if (!arguments.ok()) return {};
  std::size_t read = 0;
  for (std::size_t i = 0; i < count; i++) {
    const SocketRecord record = ReadSocket(fds.data[i]);
    WriteRow(kRecordColumns, record, values.data + i * kColumns);
    cookies.data[i] = record.cookie;
    if (record.error == 0) read++;
  }
  return Count(info.Env(), read);
}

Napi::Value ReadEndpointsMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "readEndpoints");
  const auto fds = arguments.Array<std::int32_t>(0, "fds", kInt32Array);
  const std::size_t count = arguments.Size(1, "count", fds.length);
  const auto packed = arguments.Array<std::uint8_t>(2, "endpoints", kUint8Array, count * kEndpointBytes);
  if (!arguments.ok()) return {};
  std::size_t read = 0;
  for (std::size_t i = 0; i < count; i++) {
    const Endpoints endpoints = ReadEndpoints(fds.data[i]);
    PackEndpoints(endpoints, packed.data + i * kEndpointBytes);
    if (endpoints.family != 0) read++;
  }
  return Count(info.Env(), read);
}

Napi::Value AbortOnCloseMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "abortOnClose");
  const int fd = arguments.Fd(0, "fd");
  const auto cookie = arguments.Array<std::uint64_t>(1, "cookie", kBigUint64Array, 1);
  if (!arguments.ok()) return {};
  return Napi::Number::New(info.Env(), AbortOnClose(fd, cookie.data[0]));
}

Napi::Value ShutDownMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "shutDown");
  const int fd = arguments.Fd(0, "fd");
  const auto cookie = arguments.Array<std::uint64_t>(1, "cookie", kBigUint64Array, 1);
  if (!arguments.ok()) return {};
  return Napi::Number::New(info.Env(), ShutDown(fd, cookie.data[0]));
}

Napi::Value WriteNowMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "writeNow");
  const int fd = arguments.Fd(0, "fd");
  const auto bytes = arguments.Array<std::uint8_t>(1, "bytes", kUint8Array, 1);
  if (!arguments.ok()) return {};
  return Napi::Number::New(info.Env(), WriteNow(fd, bytes.data, bytes.length));
}

}  // namespace cwg
