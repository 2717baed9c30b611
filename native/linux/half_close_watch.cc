#include "half_close_watch.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

#include "socket_reader.h"

namespace cwg {
namespace {

constexpr std::size_t kEventsPerWait = 128;

}  // namespace

SyscallError HalfCloseWatch::Open() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  return epoll_ ? SyscallError{} : SyscallError{"epoll_create1", errno};
}

void HalfCloseWatch::Close() {
  epoll_.reset();
  closed_ = true;
  watched_.Clear();
}

int HalfCloseWatch::Add(int fd, bool is_tcp, std::uint64_t* cookie) {
  if (int error = is_tcp ? IdentifySocket(fd, cookie) : IdentifyTcp(fd, cookie)) {
    *cookie = 0;
    return error;
  }
  // The cookie, not the fd, names the socket: a forked child or another process that was sent the descriptor keeps the
  // registration alive after our close(2), when the number may already be another socket of ours.
  epoll_event event = {};
  event.events = EPOLLRDHUP | EPOLLET;
  event.data.u64 = *cookie;
  const int result = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
  const int error = result == 0 || errno == EEXIST ? 0 : errno;
  watched_.Add(*cookie);
  return error;
}

SyscallError HalfCloseWatch::Drain(std::uint64_t* cookies, std::uint32_t* events, std::size_t capacity,
                                   std::size_t* count) {
  *count = 0;
  while (*count < capacity) {
    epoll_event ready[kEventsPerWait];
    const int room = static_cast<int>(std::min(kEventsPerWait, capacity - *count));
    const int taken = RetryOnEintr([&] { return epoll_wait(epoll_.get(), ready, room, 0); });
    if (taken < 0) {
      const SyscallError error = {"epoll_wait", errno};
      // Something in the process has closed our number, and may have opened another file under it: not ours to close.
      if (error.number == EBADF || error.number == EINVAL) epoll_.release();
      return error;
    }
    for (int i = 0; i < taken; i++) {
      cookies[*count] = ready[i].data.u64;
      events[*count] = ready[i].events;
      ++*count;
    }
    if (taken < room) break;
  }
  return {};
}

}  // namespace cwg
