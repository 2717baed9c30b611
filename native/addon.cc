// Marshalling only: has every argument checked (arguments.h), calls the plain C++ beside it, and turns its errors into
// coded JavaScript ones. The contract is src/kernel/native.ts.
#include <errno.h>
#include <napi.h>
#include <netinet/in.h>

#include <cmath>
#include <memory>
#include <new>
#include <string>

#include "arguments.h"
#include "fd_table.h"
#include "half_close_watch.h"
#include "kernel_check.h"
#include "sock_diag.h"
#include "socket_abort.h"
#include "socket_reader.h"
#include "socket_record.h"
#include "watch_registry.h"
#include "write_now.h"

namespace {

using cwg::Arguments;
using cwg::ThrowArgument;
using cwg::ThrowSyscall;
using cwg::Span;
using cwg::kInt32Array;
using cwg::kUint32Array;
using cwg::kUint16Array;
using cwg::kUint8Array;
using cwg::kFloat64Array;
using cwg::kBigUint64Array;

constexpr double kMaxFd = 2147483647;

Napi::Value Count(Napi::Env env, std::size_t count) { return Napi::Number::New(env, static_cast<double>(count)); }

class HalfCloseWatch : public Napi::ObjectWrap<HalfCloseWatch> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "HalfCloseWatch",
                       {InstanceMethod("add", &HalfCloseWatch::Add), InstanceMethod("forget", &HalfCloseWatch::Forget),
                        InstanceMethod("reopen", &HalfCloseWatch::Reopen),
                        InstanceMethod("drain", &HalfCloseWatch::Drain),
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
    const Napi::Value open = info[0];
    if (open.IsBoolean() && !open.As<Napi::Boolean>().Value()) return;
    if (cwg::SyscallError error = watch_.Open()) ThrowSyscall(info.Env(), error);
  }

 private:
  bool CheckOpen(const Napi::CallbackInfo& info, const char* function) {
    if (!watch_.is_closed()) return true;
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

  void Reopen(const Napi::CallbackInfo& info) {
    if (!CheckOpen(info, "HalfCloseWatch.reopen")) return;
    if (cwg::SyscallError error = watch_.Open()) ThrowSyscall(info.Env(), error);
  }

  void Forget(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "HalfCloseWatch.forget");
    const auto cookies = arguments.Array<std::uint64_t>(0, "cookies", kBigUint64Array);
    if (!arguments.ok()) return;
    for (std::size_t i = 0; i < cookies.length; i++) watch_.Forget(cookies.data[i]);
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
                    InstanceMethod("findWatched", &Addon::FindWatched, napi_enumerable),
                    InstanceMethod("checkKernel", &Addon::CheckKernel, napi_enumerable),
                    InstanceMethod("dumpSockets", &Addon::DumpSockets, napi_enumerable),
                    InstanceMethod("abortOnClose", &Addon::AbortOnClose, napi_enumerable),
                    InstanceMethod("writeNow", &Addon::WriteNow, napi_enumerable),
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

  // Of the numbers from 4 to 6 that are taken, 5 is none.
  static bool IsFamily(Napi::Env env, const std::string& function, double family) {
    if (family != 5) return true;
    ThrowArgument(env, napi_create_range_error, (function + ": family must be 4 or 6, got 5").c_str());
    return false;
  }

  Napi::Value FormatAddress(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "formatAddress");
    const auto address = arguments.Array<std::uint8_t>(0, "address", kUint8Array, cwg::kAddressBytes);
    const double last = static_cast<double>(address.length) - cwg::kAddressBytes;
    const double offset = arguments.Integer(1, "offset", 0, last);
    const double family = arguments.Integer(2, "family", 4, 6);
    if (!arguments.ok() || !IsFamily(info.Env(), "formatAddress", family)) return {};
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

  Napi::Value FindWatched(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "findWatched");
    const auto cookies = arguments.Array<std::uint64_t>(0, "cookies", kBigUint64Array);
    const auto watched =
        arguments.Array<std::uint8_t>(1, "watched", kUint8Array, static_cast<double>(cookies.length));
    if (!arguments.ok()) return {};
    return Count(info.Env(), cwg::FindWatched(cookies.data, cookies.length, watched.data));
  }

  Napi::Value CheckKernel(const Napi::CallbackInfo& info) {
    const cwg::KernelCheck check = cwg::CheckKernel();
    Napi::Object result = Napi::Object::New(info.Env());
    result.Set("socket", check.socket);
    result.Set("identity", check.identity);
    result.Set("cookie", check.cookie);
    result.Set("tcpInfo", check.tcp_info);
    result.Set("queues", check.queues);
    return result;
  }

  Napi::Value AbortOnClose(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "abortOnClose");
    const double fd = arguments.Integer(0, "fd", 0, kMaxFd);
    const auto cookie = arguments.Array<std::uint64_t>(1, "cookie", kBigUint64Array, 1);
    if (!arguments.ok()) return {};
    return Napi::Number::New(info.Env(), cwg::AbortOnClose(static_cast<int>(fd), cookie.data[0]));
  }

  Napi::Value WriteNow(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "writeNow");
    const double fd = arguments.Integer(0, "fd", 0, kMaxFd);
    const auto bytes = arguments.Array<std::uint8_t>(1, "bytes", kUint8Array, 1);
    if (!arguments.ok()) return {};
    return Napi::Number::New(info.Env(), cwg::WriteNow(static_cast<int>(fd), bytes.data, bytes.length));
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
    const bool with_info = info[5].IsBoolean() && info[5].As<Napi::Boolean>().Value();
    const double family = info[6].IsUndefined() ? 0 : arguments.Integer(6, "family", 4, 6);
    if (!arguments.ok() || !IsFamily(info.Env(), "dumpSockets", family)) return {};
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
    rows.with_info = with_info;
    rows.family = family == 0 ? AF_UNSPEC : family == 4 ? AF_INET : AF_INET6;
    if (cwg::SyscallError error = cwg::DumpSockets(static_cast<std::uint32_t>(state_mask), wanted.get(), &rows)) {
      ThrowSyscall(info.Env(), error);
      return {};
    }
    return Count(info.Env(), rows.matched);
  }
};

}  // namespace

NODE_API_ADDON(Addon)
