// The functions that the addon exports. Each checks its arguments (arguments.h), calls the plain C++ of linux/, and
// writes what that returns into the caller's arrays. Their contract is src/kernel/native.ts.
#ifndef CLOSE_WAIT_GUARD_METHODS_H_
#define CLOSE_WAIT_GUARD_METHODS_H_

#include <napi.h>

#include <cstddef>

namespace cwg {

inline Napi::Value Count(Napi::Env env, std::size_t count) {
  return Napi::Number::New(env, static_cast<double>(count));
}

// Single sockets: socket_methods.cc.
Napi::Value ReadSocketsMethod(const Napi::CallbackInfo& info);
Napi::Value ReadEndpointsMethod(const Napi::CallbackInfo& info);
Napi::Value AbortOnCloseMethod(const Napi::CallbackInfo& info);
Napi::Value ShutDownMethod(const Napi::CallbackInfo& info);
Napi::Value WriteNowMethod(const Napi::CallbackInfo& info);

// The process and its network namespace: process_methods.cc.
Napi::Value ListTcpFdsMethod(const Napi::CallbackInfo& info);
Napi::Value VisitUnknownTcpFdsMethod(const Napi::CallbackInfo& info);
Napi::Value OpenFdsMethod(const Napi::CallbackInfo& info);
Napi::Value TcpCounterMethod(const Napi::CallbackInfo& info);
Napi::Value FdTableSizeMethod(const Napi::CallbackInfo& info);
Napi::Value FdUsageMethod(const Napi::CallbackInfo& info);
Napi::Value FindWatchedMethod(const Napi::CallbackInfo& info);
Napi::Value CheckKernelMethod(const Napi::CallbackInfo& info);

// Another process: inspect_methods.cc.
Napi::Value LookIntoMethod(const Napi::CallbackInfo& info);
Napi::Value ListProcessFdsMethod(const Napi::CallbackInfo& info);
Napi::Value ReadProcessSocketsMethod(const Napi::CallbackInfo& info);

// What takes an address family: address_methods.cc.
Napi::Value DumpSocketsMethod(const Napi::CallbackInfo& info);
Napi::Value FormatAddressMethod(const Napi::CallbackInfo& info);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_METHODS_H_
