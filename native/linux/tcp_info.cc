#include "tcp_info.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <type_traits>

namespace cwg {
namespace {

// tcpi_rcv_wnd came in Linux 6.2, and Debian 12's header ends right before it. Where the header has it, the offset is
// checked; where it does not, the field must lie wholly behind what the header knows.
constexpr std::size_t kReceiveWindowOffset = 232;
template <typename Info, typename = void>
constexpr bool kReceiveWindowIsThere = sizeof(Info) <= kReceiveWindowOffset;
template <typename Info>
constexpr bool kReceiveWindowIsThere<Info, std::void_t<decltype(Info::tcpi_rcv_wnd)>> =
    offsetof(Info, tcpi_rcv_wnd) == kReceiveWindowOffset;
static_assert(kReceiveWindowIsThere<tcp_info>);

struct Field {
  std::int64_t TcpInfo::*value;
  std::size_t offset;
  std::size_t size;
};

// struct tcp_info (include/uapi/linux/tcp.h) only ever grows at its end: a field has one offset on all kernels, and the
// length that the kernel returns tells whether it has the field.
constexpr Field kFields[] = {
    {&TcpInfo::state, offsetof(tcp_info, tcpi_state), sizeof(tcp_info::tcpi_state)},
    {&TcpInfo::unacked, offsetof(tcp_info, tcpi_unacked), sizeof(tcp_info::tcpi_unacked)},
    {&TcpInfo::sacked, offsetof(tcp_info, tcpi_sacked), sizeof(tcp_info::tcpi_sacked)},
    {&TcpInfo::last_data_sent_ms, offsetof(tcp_info, tcpi_last_data_sent), sizeof(tcp_info::tcpi_last_data_sent)},
    {&TcpInfo::last_data_recv_ms, offsetof(tcp_info, tcpi_last_data_recv), sizeof(tcp_info::tcpi_last_data_recv)},
    {&TcpInfo::last_ack_recv_ms, offsetof(tcp_info, tcpi_last_ack_recv), sizeof(tcp_info::tcpi_last_ack_recv)},
    {&TcpInfo::bytes_acked, offsetof(tcp_info, tcpi_bytes_acked), sizeof(tcp_info::tcpi_bytes_acked)},
    {&TcpInfo::bytes_received, offsetof(tcp_info, tcpi_bytes_received), sizeof(tcp_info::tcpi_bytes_received)},
    {&TcpInfo::receive_window, kReceiveWindowOffset, sizeof(std::uint32_t)},
};

template <typename Integer>
std::int64_t Load(const unsigned char* bytes) {
  Integer value;
  std::memcpy(&value, bytes, sizeof(value));
  return static_cast<std::int64_t>(value);
}

std::int64_t LoadUnsigned(const unsigned char* bytes, std::size_t size) {
  switch (size) {
    case sizeof(std::uint8_t):
      return Load<std::uint8_t>(bytes);
    case sizeof(std::uint32_t):
      return Load<std::uint32_t>(bytes);
    default:
      return Load<std::uint64_t>(bytes);
  }
}

}  // namespace

TcpInfo ParseTcpInfo(const unsigned char* bytes, std::size_t length) {
  TcpInfo info;
  for (const Field& field : kFields) {
    if (field.offset + field.size <= length) info.*field.value = LoadUnsigned(bytes + field.offset, field.size);
  }
  return info;
}

int ReadTcpInfo(int fd, TcpInfo* info) {
  *info = {};
  // Larger than any kernel's struct, and zero-filled: a sandbox may return a length that it has not written.
  alignas(8) unsigned char bytes[512] = {};
  socklen_t length = sizeof(bytes);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, bytes, &length) != 0) return errno;
  const TcpInfo told = ParseTcpInfo(bytes, length);
  // A network stack that fills in zeros (gVisor's early one) says nothing.
  if (told.state <= 0) return ENODATA;
  *info = told;
  return 0;
}

}  // namespace cwg
