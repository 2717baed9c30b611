#ifndef CLOSE_WAIT_GUARD_LINUX_HALF_CLOSE_WATCH_H_
#define CLOSE_WAIT_GUARD_LINUX_HALF_CLOSE_WATCH_H_

#include <cstddef>
#include <cstdint>

#include "../syscall.h"
#include "../unique_fd.h"
#include "../watch_registry.h"

namespace cwg {

// An epoll set of its own, beside libuv's: edge-triggered EPOLLRDHUP on each socket. It owns no thread and never
// blocks. The kernel drops a socket from the set when its last descriptor is closed.
class HalfCloseWatch {
 public:
  // Opens an empty epoll set, in place of the one there was.
  SyscallError Open();
  // For good.
  void Close();
  bool is_closed() const { return closed_; }

  // Returns 0 or why the fd is not watched. `cookie` (IdentifyTcp) is what Drain() will report; it is 0 where the fd is
  // no TCP socket, and set where the kernel refuses to watch one. The registry has it then too: whoever adds a socket
  // answers for it, and must look at it without the help of epoll.
  int Add(int fd, std::uint64_t* cookie);

  // The socket is closed, or is followed no longer: the registry need not know it. The kernel forgets by itself.
  void Forget(std::uint64_t cookie) { watched_.Remove(cookie); }

  // Takes at most `capacity` ready sockets and sets `count`. Fails with EBADF from when the epoll set itself is gone
  // (something has closed its number) until Open().
  SyscallError Drain(std::uint64_t* cookies, std::uint32_t* events, std::size_t capacity, std::size_t* count);

 private:
  UniqueFd epoll_;
  bool closed_ = false;
  WatchedCookies watched_;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_HALF_CLOSE_WATCH_H_
