#ifndef CLOSE_WAIT_GUARD_SOCKET_READER_H_
#define CLOSE_WAIT_GUARD_SOCKET_READER_H_

#include <cstddef>
#include <cstdint>

namespace cwg {

// Kernel states this code has to tell apart (include/net/tcp_states.h).
inline constexpr int kTcpListen = 10;

// SO_COOKIE of a TCP socket. Returns 0, or the errno that says why `fd` is not one: EBADF, ENOTSOCK, or
// EPROTONOSUPPORT for a socket of another protocol (UDP, unix, MPTCP).
int IdentifyTcp(int fd, std::uint64_t* cookie);

// SO_ACCEPTCONN: false also where that cannot be read.
bool IsListening(int fd);

// Fills one record (kRecordColumns doubles) and the cookie. On failure the record holds the errno, every other column
// is kAbsent and the cookie 0.
bool ReadSocket(int fd, double* record, std::uint64_t* cookie);

// Fills kEndpointBytes bytes; all of them are zero when the endpoints cannot be read.
bool ReadEndpoints(int fd, std::uint8_t* packed);

// inet_ntop(3) of one address slot. `family` is 4 or 6, `size` at least INET6_ADDRSTRLEN.
bool FormatAddress(const std::uint8_t* address, int family, char* text, std::size_t size);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_SOCKET_READER_H_
