#ifndef CLOSE_WAIT_GUARD_LINUX_LOADED_COPIES_H_
#define CLOSE_WAIT_GUARD_LINUX_LOADED_COPIES_H_

#include <functional>

namespace cwg {

// Calls `visit` with the address of each function of this name that a shared object loaded in this process exports.
// Node loads addons with RTLD_LOCAL, so dlsym(RTLD_DEFAULT) does not see them. The dynamic linker is locked meanwhile:
// nothing that was found can be unloaded before `visit` returns, and `visit` must load nothing.
void ForEachFunction(const char* name, const std::function<void(void*)>& visit);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_LOADED_COPIES_H_
