#ifndef CLOSE_WAIT_GUARD_SOCKET_READER_H_
#define CLOSE_WAIT_GUARD_SOCKET_READER_H_

#include <cstddef>
#include <cstdint>

namespace cwg {

// Kernel states this code has to tell apart (include/net/tcp_states.h).
inline constexpr int kTcpUnknown = 0;
inline constexpr int kTcpEstablished = 1;
inline constexpr int kTcpClose = 7;
inline constexpr int kTcpCloseWait = 8;
inline constexpr int kTcpLastAck = 9;
inline constexpr int kTcpListen = 10;

// An identity with this bit is no SO_COOKIE but the inode of the socket's file: what is left to tell sockets apart where
// the kernel or a sandbox refuses SO_COOKIE. Cookies count up from 1 and never reach it.
inline constexpr std::uint64_t kInodeIdentity = std::uint64_t{1} << 63;

// The identity of a TCP socket: SO_COOKIE, else its inode. Returns 0, or the errno that says why `fd` is not one: EBADF,
// ENOTSOCK, or EPROTONOSUPPORT for a socket of another protocol (UDP, unix, MPTCP).
int IdentifyTcp(int fd, std::uint64_t* cookie);

// SO_ACCEPTCONN: false also where that cannot be read.
bool IsListening(int fd);

// Reads the SO_COOKIE of any socket. Returns 0 or an errno; ENODATA for a cookie that is short or 0.
int ReadCookie(int fd, std::uint64_t* cookie);

// Reads the first byte of TCP_INFO and how much of the struct there is. Returns 0 or an errno; ENODATA where it says
// nothing: no byte, or the state 0, which no kernel has.
int ReadTcpInfoState(int fd, int* state, std::size_t* length);

// The TCP state as far as poll(2) tells it, where TCP_INFO does not: LISTEN, CLOSE_WAIT, CLOSE (reset or timed out),
// LAST_ACK for any state in which both ends have sent their FIN, else ESTABLISHED; UNKNOWN for a socket that was never
// connected, or where poll(2) fails.
int StateFromPoll(int fd);

// Fills one record (kRecordColumns doubles) and the cookie. On failure the record holds the errno, every other column
// is kAbsent and the cookie 0. Where only TCP_INFO fails, kInfoErrno says why and the state is StateFromPoll()'s.
bool ReadSocket(int fd, double* record, std::uint64_t* cookie);

// Fills kEndpointBytes bytes; all of them are zero when the endpoints cannot be read.
bool ReadEndpoints(int fd, std::uint8_t* packed);

// inet_ntop(3) of one address slot. `family` is 4 or 6, `size` at least INET6_ADDRSTRLEN.
bool FormatAddress(const std::uint8_t* address, int family, char* text, std::size_t size);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_SOCKET_READER_H_
