#ifndef CLOSE_WAIT_GUARD_LINUX_SOCKET_READER_H_
#define CLOSE_WAIT_GUARD_LINUX_SOCKET_READER_H_

#include <cstdint>

#include "socket_record.h"

namespace cwg {

// The states that this code tells apart (include/net/tcp_states.h).
inline constexpr int kTcpUnknown = 0;
inline constexpr int kTcpEstablished = 1;
inline constexpr int kTcpClose = 7;
inline constexpr int kTcpCloseWait = 8;
inline constexpr int kTcpLastAck = 9;
inline constexpr int kTcpListen = 10;

// An identity with this bit is not SO_COOKIE but the inode of the socket's file, which still tells sockets apart where
// the kernel or a sandbox refuses SO_COOKIE. Cookies count up from 1 and never reach it.
inline constexpr std::uint64_t kInodeIdentity = std::uint64_t{1} << 63;

// The identity of a TCP socket: SO_COOKIE, else its inode. Returns 0, or the errno that says why `fd` is not one:
// EBADF, ENOTSOCK, or EPROTONOSUPPORT for a socket of another protocol (UDP, unix, MPTCP).
int IdentifyTcp(int fd, std::uint64_t* cookie);

// The same of what is known to be a socket: nothing is asked of its protocol.
int IdentifySocket(int fd, std::uint64_t* cookie);

// SO_ACCEPTCONN: false also where that cannot be read.
bool IsListening(int fd);

// Reads the SO_COOKIE of any socket. Returns 0 or an errno; ENODATA for a cookie that is short or 0.
int ReadCookie(int fd, std::uint64_t* cookie);

// The TCP state as far as poll(2) tells it, where TCP_INFO does not: LISTEN, CLOSE_WAIT, CLOSE (reset or timed out),
// LAST_ACK for any state in which both ends have sent their FIN, else ESTABLISHED; UNKNOWN for a socket that was never
// connected, or where poll(2) fails.
int StateFromPoll(int fd);

// Where only TCP_INFO fails, `info_error` says why and the state is StateFromPoll()'s.
SocketRecord ReadSocket(int fd);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_SOCKET_READER_H_
