#ifndef CLOSE_WAIT_GUARD_WATCH_CLASS_H_
#define CLOSE_WAIT_GUARD_WATCH_CLASS_H_

#include <napi.h>

#include "linux/half_close_watch.h"

namespace cwg {

// The JavaScript class HalfCloseWatch, around the plain one.
class WatchClass : public Napi::ObjectWrap<WatchClass> {
 public:
  static Napi::Function Define(Napi::Env env);

  // node-addon-api calls this for HalfCloseWatch() without new.
  static Napi::Value OnCalledAsFunction(const Napi::CallbackInfo& info);

  explicit WatchClass(const Napi::CallbackInfo& info);

 private:
  Napi::Value Add(const Napi::CallbackInfo& info);
  void Forget(const Napi::CallbackInfo& info);
  void Reopen(const Napi::CallbackInfo& info);
  Napi::Value Drain(const Napi::CallbackInfo& info);
  void Close(const Napi::CallbackInfo& info);

  // Throws, and returns false, once the watch is closed.
  bool CheckOpen(const Napi::CallbackInfo& info, const char* function) const;

  HalfCloseWatch watch_;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_WATCH_CLASS_H_
