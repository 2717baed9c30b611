// What the kernel tells of a TCP socket, as plain integers. ../layout.h says how a record goes to JavaScript.
#ifndef CLOSE_WAIT_GUARD_LINUX_SOCKET_RECORD_H_
#define CLOSE_WAIT_GUARD_LINUX_SOCKET_RECORD_H_

#include <cstdint>

#include "endpoints.h"

namespace cwg {

// Stands for what the kernel did not tell.
inline constexpr std::int64_t kAbsent = -1;

// What struct tcp_info says of a connection, whether getsockopt(TCP_INFO) or sock_diag(7) returned it.
struct TcpProgress {
  std::int64_t last_data_sent_ms = kAbsent;
  std::int64_t last_data_recv_ms = kAbsent;
  std::int64_t last_ack_recv_ms = kAbsent;
  std::int64_t bytes_acked = kAbsent;
  std::int64_t bytes_received = kAbsent;
  std::int64_t receive_window = kAbsent;
};

// One socket of this process. Where `error` is not 0, every other field is absent and the cookie is 0.
struct SocketRecord : TcpProgress {
  std::int64_t error = 0;
  std::int64_t state = kAbsent;
  std::int64_t unread_bytes = kAbsent;
  std::int64_t unsent_bytes = kAbsent;
  // Of a listener, which has no progress and no queues.
  std::int64_t accept_queue = kAbsent;
  std::int64_t backlog = kAbsent;
  // Why TCP_INFO failed; the state then comes from poll(2).
  std::int64_t info_error = kAbsent;
  std::uint64_t cookie = 0;
};

// One socket of the network namespace. Its progress and memory are absent unless TCP_INFO was asked for.
struct DumpedSocket : TcpProgress {
  std::int64_t state = kAbsent;
  // 4 or 6, as the socket was made: an IPv4-mapped connection is 6 here, and 4 in `endpoints`.
  std::int64_t family = kAbsent;
  std::int64_t local_port = kAbsent;
  std::int64_t remote_port = kAbsent;
  std::int64_t inode = kAbsent;
  std::int64_t receive_queue = kAbsent;
  std::int64_t send_queue = kAbsent;
  std::int64_t uid = kAbsent;
  // What its queues take in the kernel, overhead included: sk_rmem_alloc and sk_wmem_queued.
  std::int64_t memory_bytes = kAbsent;
  std::uint64_t cookie = 0;
  Endpoints endpoints;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_SOCKET_RECORD_H_
