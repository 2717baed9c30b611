// What a system call ends with.
#ifndef CLOSE_WAIT_GUARD_SYSCALL_H_
#define CLOSE_WAIT_GUARD_SYSCALL_H_

#include <cerrno>

namespace cwg {

// Which system call failed and how; `call` is null when none did.
struct SyscallError {
  const char* call = nullptr;
  int number = 0;

  explicit operator bool() const { return call != nullptr; }
};

// Repeats a system call that a signal interrupted.
template <typename Call>
auto RetryOnEintr(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_SYSCALL_H_
