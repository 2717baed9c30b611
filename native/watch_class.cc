#include "watch_class.h"

#include <cstdint>
#include <string>

#include "arguments.h"
#include "methods.h"

namespace cwg {

Napi::Function WatchClass::Define(Napi::Env env) {
  return DefineClass(env, "HalfCloseWatch",
                     {InstanceMethod("add", &WatchClass::Add), InstanceMethod("forget", &WatchClass::Forget),
                      InstanceMethod("reopen", &WatchClass::Reopen), InstanceMethod("drain", &WatchClass::Drain),
                      InstanceMethod("close", &WatchClass::Close)});
}

Napi::Value WatchClass::OnCalledAsFunction(const Napi::CallbackInfo& info) {
  ThrowArgument(info.Env(), napi_create_type_error, "HalfCloseWatch: must be called with new, got a plain call");
  return info.Env().Undefined();
}

WatchClass::WatchClass(const Napi::CallbackInfo& info) : Napi::ObjectWrap<WatchClass>(info) {
  // In a worker thread that is being terminated napi_wrap fails: no finalizer would ever close what we open here.
  if (IsEmpty()) return;
  const Napi::Value open = info[0];
  if (open.IsBoolean() && !open.As<Napi::Boolean>().Value()) return;
  if (SyscallError error = watch_.Open()) ThrowSyscall(info.Env(), error);
}

bool WatchClass::CheckOpen(const Napi::CallbackInfo& info, const char* function) const {
  if (!watch_.is_closed()) return true;
  ThrowArgument(info.Env(), napi_create_type_error, std::string(function) + ": watch is closed");
  return false;
}

Napi::Value WatchClass::Add(const Napi::CallbackInfo& info) {
  if (!CheckOpen(info, "HalfCloseWatch.add")) return {};
  Arguments arguments(info, "HalfCloseWatch.add");
  const auto fds = arguments.Array<std::int32_t>(0, "fds", kInt32Array);
  const std::size_t count = arguments.Size(1, "count", fds.length);
  const auto cookies = arguments.Array<std::uint64_t>(2, "cookies", kBigUint64Array, count);
  const auto errnos = arguments.Array<std::int32_t>(3, "errnos", kInt32Array, count);
  if (!arguments.ok()) return {};
  const bool are_tcp = info[4].IsBoolean() && info[4].As<Napi::Boolean>().Value();
  std::size_t added = 0;
  for (std::size_t i = 0; i < count; i++) {
    errnos.data[i] = watch_.Add(fds.data[i], are_tcp, &cookies.data[i]);
    if (errnos.data[i] == 0) added++;
  }
  return Count(info.Env(), added);
}

void WatchClass::Reopen(const Napi::CallbackInfo& info) {
  if (!CheckOpen(info, "HalfCloseWatch.reopen")) return;
  if (SyscallError error = watch_.Open()) ThrowSyscall(info.Env(), error);
}

void WatchClass::Forget(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "HalfCloseWatch.forget");
  const auto cookies = arguments.Array<std::uint64_t>(0, "cookies", kBigUint64Array);
  if (!arguments.ok()) return;
  for (std::size_t i = 0; i < cookies.length; i++) watch_.Forget(cookies.data[i]);
}

Napi::Value WatchClass::Drain(const Napi::CallbackInfo& info) {
  if (!CheckOpen(info, "HalfCloseWatch.drain")) return {};
  Arguments arguments(info, "HalfCloseWatch.drain");
  // An empty array would always be full, and "call again" a loop without end.
  const auto cookies = arguments.Array<std::uint64_t>(0, "cookies", kBigUint64Array, 1);
  const auto events = arguments.Array<std::uint32_t>(1, "events", kUint32Array, cookies.length);
  if (!arguments.ok()) return {};
  std::size_t count = 0;
  if (SyscallError error = watch_.Drain(cookies.data, events.data, cookies.length, &count)) {
    ThrowSyscall(info.Env(), error);
    return {};
  }
  return Count(info.Env(), count);
}

void WatchClass::Close(const Napi::CallbackInfo& /*info*/) { watch_.Close(); }

}  // namespace cwg
