#ifndef CLOSE_WAIT_GUARD_LINUX_SOCKET_ABORT_H_
#define CLOSE_WAIT_GUARD_LINUX_SOCKET_ABORT_H_

#include <cstdint>

namespace cwg {

// Makes the coming close(2) of this TCP socket an abort: SO_LINGER on with a time of 0 (socket(7)), so that the kernel
// sends a RST and forgets the connection at once. An orderly close would leave it in LAST_ACK, with its port pair still
// taken, if the peer is gone and does not answer the FIN. Returns 0 or an errno; EBADF when `fd` is not the
// socket with this cookie.
int AbortOnClose(int fd, std::uint64_t cookie);

// shutdown(2), both directions, of this TCP connection: who reads it comes to the end of it. Closes no fd. Returns 0 or
// an errno; EBADF when `fd` is not the socket with this cookie.
int ShutDown(int fd, std::uint64_t cookie);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_SOCKET_ABORT_H_
