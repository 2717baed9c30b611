// What the addon exports. The contract is src/kernel/native.ts.
#include <napi.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include <cstdint>
#include <string>

#include "layout.h"
#include "methods.h"
#include "watch_class.h"

namespace {

template <typename Column, std::size_t kLength>
Napi::Array NamesOf(Napi::Env env, const Column (&columns)[kLength]) {
  Napi::Array names = Napi::Array::New(env, kLength);
  for (std::size_t i = 0; i < kLength; i++) names.Set(static_cast<std::uint32_t>(i), columns[i].name);
  names.Freeze();
  return names;
}

Napi::Object EndpointOffsets(Napi::Env env) {
  Napi::Object offsets = Napi::Object::New(env);
  for (const cwg::EndpointField& field : cwg::kEndpointFields) offsets.Set(field.name, cwg::Count(env, field.offset));
  offsets.Freeze();
  return offsets;
}

// musl's loader takes libc.so.6 for itself and ignores the versions of symbols: there a binary made for glibc would
// load, and call functions that only share the name. This one musl does not have, so that it refuses.
std::string CLibrary() {
#ifdef __GLIBC__
  return std::string("glibc ") + gnu_get_libc_version();
#else
  return "musl";
#endif
}

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports,
                {
                    InstanceValue("layoutVersion", Napi::Number::New(env, cwg::kLayoutVersion), napi_enumerable),
                    InstanceValue("recordFields", NamesOf(env, cwg::kRecordColumns), napi_enumerable),
                    InstanceValue("dumpFields", NamesOf(env, cwg::kDumpColumns), napi_enumerable),
                    InstanceValue("fdKinds", NamesOf(env, cwg::kFdKinds), napi_enumerable),
                    InstanceValue("endpointOffsets", EndpointOffsets(env), napi_enumerable),
                    InstanceValue("endpointBytes", cwg::Count(env, cwg::kEndpointBytes), napi_enumerable),
                    InstanceValue("cLibrary", Napi::String::New(env, CLibrary()), napi_enumerable),
                    Method<cwg::ReadSocketsMethod>("readSockets"),
                    Method<cwg::ReadEndpointsMethod>("readEndpoints"),
                    Method<cwg::FormatAddressMethod>("formatAddress"),
                    Method<cwg::ListTcpFdsMethod>("listTcpFds"),
                    Method<cwg::VisitUnknownTcpFdsMethod>("visitUnknownTcpFds"),
                    Method<cwg::OpenFdsMethod>("openFds"),
                    Method<cwg::TcpCounterMethod>("tcpCounter"),
                    Method<cwg::FdTableSizeMethod>("fdTableSize"),
                    Method<cwg::FdUsageMethod>("fdUsage"),
                    Method<cwg::FindWatchedMethod>("findWatched"),
                    Method<cwg::CheckKernelMethod>("checkKernel"),
                    Method<cwg::DumpSocketsMethod>("dumpSockets"),
                    Method<cwg::LookIntoMethod>("lookInto"),
                    Method<cwg::ListProcessFdsMethod>("listProcessFds"),
                    Method<cwg::ReadProcessSocketsMethod>("readProcessSockets"),
                    Method<cwg::AbortOnCloseMethod>("abortOnClose"),
                    Method<cwg::ShutDownMethod>("shutDown"),
                    Method<cwg::WriteNowMethod>("writeNow"),
                    InstanceValue("HalfCloseWatch", cwg::WatchClass::Define(env), napi_enumerable),
                });
  }

 private:
  using Function = Napi::Value (*)(const Napi::CallbackInfo&);

  template <Function kFunction>
  static PropertyDescriptor Method(const char* name) {
    return InstanceMethod<&Addon::Call<kFunction>>(name, napi_enumerable);
  }

  // node-addon-api takes member functions only.
  template <Function kFunction>
  Napi::Value Call(const Napi::CallbackInfo& info) {
    return kFunction(info);
  }
};

}  // namespace

NODE_API_ADDON(Addon)
