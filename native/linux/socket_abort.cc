#include "socket_abort.h"

#include <sys/socket.h>

#include <cerrno>

#include "socket_reader.h"

namespace cwg {

namespace {

int CheckIdentity(int fd, std::uint64_t cookie) {
  std::uint64_t actual = 0;
  if (int error = IdentifyTcp(fd, &actual)) return error;
  return actual == cookie ? 0 : EBADF;
}

}  // namespace

int AbortOnClose(int fd, std::uint64_t cookie) {
  if (int error = CheckIdentity(fd, cookie)) return error;
  linger abort = {};
  abort.l_onoff = 1;
  abort.l_linger = 0;
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)) == 0 ? 0 : errno;
}

int ShutDown(int fd, std::uint64_t cookie) {
  if (int error = CheckIdentity(fd, cookie)) return error;
  return shutdown(fd, SHUT_RDWR) == 0 ? 0 : errno;
}

}  // namespace cwg
