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
  // Cannot be undone.
  void Close();
  bool is_closed() const { return closed_; }

  // Returns 0 or the errno that says why the fd is not watched. `cookie` is set to the socket's identity (IdentifyTcp),
  // which Drain() will report, or to 0 where the fd is no TCP socket. Where the kernel refuses to watch a TCP socket,
  // the registry has its cookie all the same: the caller must check such a socket without epoll.
  // With `is_tcp` the caller knows that it is one, and two system calls are saved.
  int Add(int fd, bool is_tcp, std::uint64_t* cookie);

  // Takes a socket that is closed, or no longer followed, out of the registry. The kernel forgets closed ones by
  // itself.
  void Forget(std::uint64_t cookie) { watched_.Remove(cookie); }

  // Takes at most `capacity` ready sockets and sets `count`. Once something else has closed the fd of the epoll set, it
  // fails with EBADF until Open().
  SyscallError Drain(std::uint64_t* cookies, std::uint32_t* events, std::size_t capacity, std::size_t* count);

 private:
  UniqueFd epoll_;
  bool closed_ = false;
  WatchedCookies watched_;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_HALF_CLOSE_WATCH_H_
