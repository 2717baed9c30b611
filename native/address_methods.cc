#include <netinet/in.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <memory>
#include <new>
#include <string>

#include "arguments.h"
#include "layout.h"
#include "linux/endpoints.h"
#include "linux/sock_diag.h"
#include "methods.h"

namespace cwg {
namespace {

// 4 or 6, else the call throws.
int FamilyOf(Arguments* arguments, std::size_t index) {
  const int family = static_cast<int>(arguments->Integer(index, "family", 4, 6));
  if (arguments->ok() && family == 5) arguments->RejectRange("family", "4 or 6", "5");
  return family;
}

struct DumpArrays {
  double* values;
  std::uint64_t* cookies;
  std::uint8_t* endpoints;  // null where they are not asked for
  std::size_t capacity;

  void Write(std::size_t row, const DumpedSocket& socket) const {
    if (row >= capacity) return;
    WriteRow(kDumpColumns, socket, values + row * std::size(kDumpColumns));
    cookies[row] = socket.cookie;
    if (endpoints != nullptr) PackEndpoints(socket.endpoints, endpoints + row * kEndpointBytes);
  }
};

}  // namespace

Napi::Value DumpSocketsMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "dumpSockets");
  DumpRequest request;
  request.state_mask = static_cast<std::uint32_t>(arguments.Integer(0, "stateMask", 0, UINT32_MAX));
  const auto ports = arguments.Array<std::uint16_t>(1, "ports", kUint16Array);
  const auto values = arguments.Array<double>(2, "values", kFloat64Array);
  const std::size_t capacity = values.length / std::size(kDumpColumns);
  const auto cookies = arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array, capacity);
  Span<std::uint8_t> endpoints;
  if (!info[4].IsUndefined()) {
    endpoints = arguments.Array<std::uint8_t>(4, "endpoints", kUint8Array, capacity * kEndpointBytes);
  }
  request.with_info = info[5].IsBoolean() && info[5].As<Napi::Boolean>().Value();
  if (!info[6].IsUndefined()) request.family = FamilyOf(&arguments, 6) == 4 ? AF_INET : AF_INET6;
  if (!info[7].IsUndefined()) {
    request.namespace_of = static_cast<int>(arguments.Integer(7, "namespaceOf", 1, INT_MAX));
  }
  if (!arguments.ok()) return {};

  std::unique_ptr<PortSet> wanted;
  if (ports.length > 0) {
    wanted.reset(new (std::nothrow) PortSet());
    if (!wanted) {
      ThrowSyscall(info.Env(), {"malloc", ENOMEM});
      return {};
    }
    for (std::size_t i = 0; i < ports.length; i++) wanted->set(ports.data[i]);
  }
  request.ports = wanted.get();

  const DumpArrays arrays = {values.data, cookies.data, endpoints.data, capacity};
  std::size_t rows = 0;
  const auto take = [&arrays](std::size_t row, const DumpedSocket& socket) { arrays.Write(row, socket); };
  if (SyscallError error = DumpSockets(request, take, &rows)) {
    ThrowSyscall(info.Env(), error);
    return {};
  }
  return Count(info.Env(), rows);
}

Napi::Value FormatAddressMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "formatAddress");
  const auto address = arguments.Array<std::uint8_t>(0, "address", kUint8Array, kAddressBytes);
  const std::size_t offset = arguments.Size(1, "offset", address.length - kAddressBytes);
  const int family = FamilyOf(&arguments, 2);
  if (!arguments.ok()) return {};
  char text[INET6_ADDRSTRLEN] = {};
  FormatAddress(address.data + offset, family, text, sizeof(text));
  return Napi::String::New(info.Env(), text);
}

}  // namespace cwg
