#include "socket_abort.h"

#include <sys/socket.h>

#include <cerrno>

#include "socket_reader.h"

namespace cwg {

int AbortOnClose(int fd, std::uint64_t cookie) {
  std::uint64_t actual = 0;
  if (int error = IdentifyTcp(fd, &actual)) return error;
  if (actual != cookie) return EBADF;
  linger abort = {};
  abort.l_onoff = 1;
  abort.l_linger = 0;
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)) == 0 ? 0 : errno;
}

}  // namespace cwg
