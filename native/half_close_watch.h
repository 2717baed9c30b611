#ifndef CLOSE_WAIT_GUARD_HALF_CLOSE_WATCH_H_
#define CLOSE_WAIT_GUARD_HALF_CLOSE_WATCH_H_

#include <cstddef>
#include <cstdint>

#include "unique_fd.h"

namespace cwg {

// An epoll set of its own, beside libuv's: edge-triggered EPOLLRDHUP on each socket. It owns no thread and never
// blocks. The kernel drops a socket from the set when its last descriptor is closed.
class HalfCloseWatch {
 public:
  SyscallError Open();
  void Close() { epoll_.reset(); }
  bool is_open() const { return static_cast<bool>(epoll_); }

  // Returns 0 or why the fd is not watched. `cookie` (SO_COOKIE) is what Drain() will report, 0 on failure.
  int Add(int fd, std::uint64_t* cookie);

  // Takes at most `capacity` ready sockets and sets `count`.
  SyscallError Drain(std::uint64_t* cookies, std::uint32_t* events, std::size_t capacity, std::size_t* count);

 private:
  UniqueFd epoll_;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_HALF_CLOSE_WATCH_H_
