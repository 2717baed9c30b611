#include <cstdint>
#include <limits>
#include <string>

#include "arguments.h"
#include "linux/fd_table.h"
#include "linux/kernel_check.h"
#include "linux/netstat.h"
#include "methods.h"
#include "watch_registry.h"

namespace cwg {

Napi::Value ListTcpFdsMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "listTcpFds");
  const int from = arguments.Fd(0, "from");
  const int to = arguments.Fd(1, "to", from);
  // An empty array would be full from the start: nobody could tell that from "none found".
  const auto fds = arguments.Array<std::int32_t>(2, "fds", kInt32Array, 1);
  const auto cookies = arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array, fds.length);
  if (!arguments.ok()) return {};
  return Count(info.Env(), ListTcpFds(from, to, fds.data, cookies.data, fds.length));
}

Napi::Value VisitUnknownTcpFdsMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "visitUnknownTcpFds");
  const int from = arguments.Fd(0, "from");
  const auto known = arguments.Array<std::uint8_t>(1, "known", kUint8Array);
  const auto fds = arguments.Array<std::int32_t>(2, "fds", kInt32Array, 1);
  const auto cookies = arguments.Array<std::uint64_t>(3, "cookies", kBigUint64Array, fds.length);
  const auto next = arguments.Array<std::int32_t>(4, "next", kInt32Array, 1);
  if (!arguments.ok()) return {};
  const FdStep step = VisitUnknownTcpFds(from, {known.data, known.length}, fds.data, cookies.data, fds.length);
  next.data[0] = step.next;
  return Count(info.Env(), step.found);
}

Napi::Value OpenFdsMethod(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(CountOpenFdsAtOnce()));
}

Napi::Value TcpCounterMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "tcpCounter");
  const std::string name = arguments.Text(0, "name");
  if (!arguments.ok()) return {};
  return Napi::Number::New(info.Env(), static_cast<double>(ReadTcpCounter(name.c_str())));
}

Napi::Value FdTableSizeMethod(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), FdTableSize()); }

Napi::Value FdUsageMethod(const Napi::CallbackInfo& info) {
  const FdUsage usage = ReadFdUsage();
  const double soft_limit =
      usage.soft_limit == kNoFdLimit ? std::numeric_limits<double>::infinity() : static_cast<double>(usage.soft_limit);
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, static_cast<double>(usage.open));
  pair.Set(1u, soft_limit);
  return pair;
}

Napi::Value FindWatchedMethod(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "findWatched");
  const auto cookies = arguments.Array<std::uint64_t>(0, "cookies", kBigUint64Array);
  const auto watched = arguments.Array<std::uint8_t>(1, "watched", kUint8Array, cookies.length);
  if (!arguments.ok()) return {};
  return Count(info.Env(), FindWatched(cookies.data, cookies.length, watched.data));
}

Napi::Value CheckKernelMethod(const Napi::CallbackInfo& info) {
  const KernelCheck check = CheckKernel();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("socket", check.socket);
  result.Set("identity", check.identity);
  result.Set("cookie", check.cookie);
  result.Set("tcpInfo", check.tcp_info);
  result.Set("queues", check.queues);
  result.Set("peerName", check.peer_name);
  return result;
}

}  // namespace cwg
