#ifndef CLOSE_WAIT_GUARD_TCP_INFO_VIEW_H_
#define CLOSE_WAIT_GUARD_TCP_INFO_VIEW_H_

#include <linux/tcp.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "socket_record.h"

namespace cwg {

// struct tcp_info as the kernel's include/uapi/linux/tcp.h lays it out. It only ever grows at its end, so a field has
// one offset for all kernels, and whether a kernel has it is told by the length that the kernel returns.
inline constexpr std::size_t kStateOffset = 0;
inline constexpr std::size_t kUnackedOffset = 24;
inline constexpr std::size_t kSackedOffset = 28;
inline constexpr std::size_t kLastDataSentOffset = 44;
inline constexpr std::size_t kLastDataRecvOffset = 52;
inline constexpr std::size_t kLastAckRecvOffset = 56;
inline constexpr std::size_t kBytesAckedOffset = 120;
inline constexpr std::size_t kBytesReceivedOffset = 128;
inline constexpr std::size_t kRcvWndOffset = 232;

static_assert(offsetof(tcp_info, tcpi_state) == kStateOffset);
static_assert(offsetof(tcp_info, tcpi_unacked) == kUnackedOffset);
static_assert(offsetof(tcp_info, tcpi_sacked) == kSackedOffset);
static_assert(offsetof(tcp_info, tcpi_last_data_sent) == kLastDataSentOffset);
static_assert(offsetof(tcp_info, tcpi_last_data_recv) == kLastDataRecvOffset);
static_assert(offsetof(tcp_info, tcpi_last_ack_recv) == kLastAckRecvOffset);
static_assert(offsetof(tcp_info, tcpi_bytes_acked) == kBytesAckedOffset);
static_assert(offsetof(tcp_info, tcpi_bytes_received) == kBytesReceivedOffset);

// tcpi_rcv_wnd came in Linux 6.2 and Debian 12's header ends right before it. Where the header has it, check the offset;
// where it does not, the field must lie wholly behind what the header knows.
template <typename Info, typename = void>
constexpr bool kRcvWndIsWhereWeSay = sizeof(Info) <= kRcvWndOffset;
template <typename Info>
constexpr bool kRcvWndIsWhereWeSay<Info, std::void_t<decltype(Info::tcpi_rcv_wnd)>> =
    offsetof(Info, tcpi_rcv_wnd) == kRcvWndOffset;
static_assert(kRcvWndIsWhereWeSay<tcp_info>);

// `length` bytes of a kernel's tcp_info, from getsockopt(TCP_INFO) or sock_diag. A field behind its end is kAbsent.
struct TcpInfoView {
  const unsigned char* bytes;
  std::size_t length;

  double state() const { return Field<std::uint8_t>(kStateOffset); }
  // Of a listener: the accept queue and its limit.
  double unacked() const { return Field<std::uint32_t>(kUnackedOffset); }
  double sacked() const { return Field<std::uint32_t>(kSackedOffset); }
  double last_data_sent_ms() const { return Field<std::uint32_t>(kLastDataSentOffset); }
  double last_data_recv_ms() const { return Field<std::uint32_t>(kLastDataRecvOffset); }
  double last_ack_recv_ms() const { return Field<std::uint32_t>(kLastAckRecvOffset); }
  double bytes_acked() const { return Field<std::uint64_t>(kBytesAckedOffset); }
  double bytes_received() const { return Field<std::uint64_t>(kBytesReceivedOffset); }
  double receive_window() const { return Field<std::uint32_t>(kRcvWndOffset); }

 private:
  template <typename Integer>
  double Field(std::size_t offset) const {
    if (offset + sizeof(Integer) > length) return kAbsent;
    Integer value;
    std::memcpy(&value, bytes + offset, sizeof(value));
    return static_cast<double>(value);
  }
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_TCP_INFO_VIEW_H_
