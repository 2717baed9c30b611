#include "write_now.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace cwg {
namespace {

// linux/fs.h; older headers lack it, and glibc's pwritev2() would raise the glibc that the binary needs.
constexpr int kRwfNowait = 0x8;

ssize_t WriteWithoutWaiting(int fd, const std::uint8_t* data, std::size_t size) {
#ifdef SYS_pwritev2
  iovec vector = {const_cast<std::uint8_t*>(data), size};
  // The offset -1, in its low and high half, is "the current position".
  return syscall(SYS_pwritev2, fd, &vector, 1, -1L, -1L, kRwfNowait);
#else
  errno = ENOSYS;
  return -1;
#endif
}

// Where the kernel knows no RWF_NOWAIT for this file (pipes before 6.5, terminals): asks whether it is writable, and
// writes no more than that promises. A pipe takes PIPE_BUF bytes; a terminal promises no more than one.
ssize_t WriteAfterPoll(int fd, const std::uint8_t* data, std::size_t size) {
  const std::size_t step = isatty(fd) != 0 ? 1 : PIPE_BUF;
  std::size_t done = 0;
  do {
    pollfd ready = {fd, POLLOUT, 0};
    const int count = poll(&ready, 1, 0);
    if (count == 0) errno = EAGAIN;
    const ssize_t written = count <= 0 ? -1 : write(fd, data + done, std::min(step, size - done));
    if (written < 0) return done > 0 ? static_cast<ssize_t>(done) : -1;
    done += static_cast<std::size_t>(written);
  } while (step == 1 && done < size);
  return static_cast<ssize_t>(done);
}

}  // namespace

int WriteNow(int fd, const std::uint8_t* data, std::size_t size) {
  size = std::min<std::size_t>(size, INT_MAX);
  ssize_t written = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (written < 0 && errno == ENOTSOCK) {
    written = WriteWithoutWaiting(fd, data, size);
    if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) {
      written = WriteAfterPoll(fd, data, size);
    }
  }
  return written < 0 ? -errno : static_cast<int>(written);
}

}  // namespace cwg
