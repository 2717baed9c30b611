#ifndef CLOSE_WAIT_GUARD_LINUX_TCP_INFO_H_
#define CLOSE_WAIT_GUARD_LINUX_TCP_INFO_H_

#include <cstddef>
#include <cstdint>

#include "socket_record.h"

namespace cwg {

// What is read of the kernel's struct tcp_info.
struct TcpInfo : TcpProgress {
  std::int64_t state = kAbsent;
  // Of a listener: the accept queue and its limit.
  std::int64_t unacked = kAbsent;
  std::int64_t sacked = kAbsent;
};

// Takes apart `length` bytes of a struct tcp_info, from getsockopt(TCP_INFO) or sock_diag(7). A field behind the end is
// absent.
TcpInfo ParseTcpInfo(const unsigned char* bytes, std::size_t length);

// Reads the TCP_INFO of a socket. Returns 0, or an errno with every field absent; ENODATA where the struct says
// nothing: no byte, or the state 0, which no kernel has.
int ReadTcpInfo(int fd, TcpInfo* info);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_TCP_INFO_H_
