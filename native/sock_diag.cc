#include "sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <new>

#include "socket_record.h"
#include "tcp_info_view.h"

namespace cwg {
namespace {

// netlink_recvmsg() builds dump messages of at most 32 KiB (net/netlink/af_netlink.c), whatever room there is.
constexpr std::size_t kReceiveBytes = 32 * 1024;

// A dump of a table that changed under it carries NLM_F_DUMP_INTR: rows may be missing. On a busy host every dump may,
// so the last attempt counts as it is.
constexpr int kAttempts = 3;

// The kernel ends every dump with NLMSG_DONE or NLMSG_ERROR. This bound, at some 300 rows a datagram more sockets than
// a namespace has, is for the case that it does not.
constexpr int kMaxDatagrams = 1 << 16;

// "Local port from `lowest` to `highest`" in the filter language of inet_diag (inet_diag_bc_run(), net/ipv4/inet_diag.c): each
// comparison is two ops, the port in the second, and says how many bytes on to go when it holds and when not. Past the end
// by 4 is "leave it out". The kernel then builds no message of the others, which are most of what a dump costs.
struct PortRange {
  rtattr attribute;
  inet_diag_bc_op at_least[2];
  inet_diag_bc_op at_most[2];
};

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
  PortRange ports;
};

PortRange RangeOf(const PortSet& ports) {
  std::size_t lowest = 0;
  while (lowest < ports.size() - 1 && !ports.test(lowest)) lowest++;
  std::size_t highest = ports.size() - 1;
  while (highest > lowest && !ports.test(highest)) highest--;
  constexpr unsigned char kOne = 2 * sizeof(inet_diag_bc_op);
  constexpr unsigned short kPastTheEnd = 4;
  PortRange range = {};
  range.attribute.rta_type = INET_DIAG_REQ_BYTECODE;
  range.attribute.rta_len = sizeof(range);
  range.at_least[0] = {INET_DIAG_BC_S_GE, kOne, 2 * kOne + kPastTheEnd};
  range.at_least[1].no = static_cast<unsigned short>(lowest);
  range.at_most[0] = {INET_DIAG_BC_S_LE, kOne, kOne + kPastTheEnd};
  range.at_most[1].no = static_cast<unsigned short>(highest);
  return range;
}

SyscallError SendRequest(int fd, int family, std::uint32_t sequence, std::uint32_t state_mask, const PortSet* ports,
                         bool with_info) {
  Request request = {};
  if (ports != nullptr) request.ports = RangeOf(*ports);
  const std::size_t length = sizeof(request) - (ports == nullptr ? sizeof(request.ports) : 0);
  request.header.nlmsg_len = static_cast<__u32>(length);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = sequence;
  request.body.sdiag_family = static_cast<__u8>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = state_mask;
  if (with_info) request.body.idiag_ext = 1 << (INET_DIAG_INFO - 1);
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = RetryOnEintr([&] {
    return sendto(fd, &request, length, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel));
  });
  return sent < 0 ? SyscallError{"sendto", errno} : SyscallError{};
}

// One datagram of the kernel. `length` 0: one that came from elsewhere, to be ignored.
SyscallError Receive(int fd, unsigned char* buffer, std::size_t* length) {
  sockaddr_nl sender = {};
  iovec part = {buffer, kReceiveBytes};
  msghdr message = {};
  message.msg_name = &sender;
  message.msg_namelen = sizeof(sender);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  // A dump makes progress inside recvmsg(2) itself, so MSG_DONTWAIT never finds the next part missing.
  const ssize_t received = RetryOnEintr([&] { return recvmsg(fd, &message, MSG_DONTWAIT); });
  if (received < 0) return {"recvmsg", errno};
  if ((message.msg_flags & MSG_TRUNC) != 0) return {"recvmsg", EMSGSIZE};
  *length = sender.nl_pid == 0 ? static_cast<std::size_t>(received) : 0;
  return {};
}

// A netlink error is a negative errno; anything else there is no message of the kernel's.
int ErrorNumber(int code) { return code < 0 && code > -4096 ? -code : EBADMSG; }

// An IPv4-mapped pair (::ffff:0:0/96, RFC 4291) is IPv4, as in ReadEndpoints().
bool IsMapped(const __be32 (&address)[4]) {
  return address[0] == 0 && address[1] == 0 && address[2] == htonl(0xffff);
}

void PackSide(std::uint8_t* packed, bool ipv4, const __be32 (&address)[4], __be16 port, std::size_t port_slot,
              std::size_t address_slot) {
  const std::uint16_t number = ntohs(port);
  packed[port_slot] = static_cast<std::uint8_t>(number & 0xff);
  packed[port_slot + 1] = static_cast<std::uint8_t>(number >> 8);
  if (ipv4) {
    std::memcpy(packed + address_slot, IsMapped(address) ? &address[3] : &address[0], sizeof(address[0]));
  } else {
    std::memcpy(packed + address_slot, address, sizeof(address));
  }
}

void PackEndpoints(const inet_diag_msg& socket, std::uint8_t* packed) {
  std::memset(packed, 0, kEndpointBytes);
  const bool ipv4 = socket.idiag_family == AF_INET || (IsMapped(socket.id.idiag_src) && IsMapped(socket.id.idiag_dst));
  packed[kEndpointFamily] = ipv4 ? 4 : 6;
  PackSide(packed, ipv4, socket.id.idiag_src, socket.id.idiag_sport, kEndpointLocalPort, kEndpointLocalAddress);
  PackSide(packed, ipv4, socket.id.idiag_dst, socket.id.idiag_dport, kEndpointRemotePort, kEndpointRemoteAddress);
}

// The attributes (rtnetlink(7)) behind a socket's message; of INET_DIAG_INFO the row takes what it has a column for.
void CollectInfo(const unsigned char* bytes, std::size_t length, double* row) {
  std::size_t offset = 0;
  while (length - offset >= sizeof(rtattr)) {
    rtattr attribute;
    std::memcpy(&attribute, bytes + offset, sizeof(attribute));
    if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > length - offset) return;
    if (attribute.rta_type == INET_DIAG_INFO) {
      const TcpInfoView info = {bytes + offset + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0)};
      row[kDumpLastAckRecvMs] = info.last_ack_recv_ms();
      row[kDumpBytesAcked] = info.bytes_acked();
      row[kDumpBytesReceived] = info.bytes_received();
      return;
    }
    const std::size_t step = RTA_ALIGN(static_cast<std::size_t>(attribute.rta_len));
    offset = step < length - offset ? offset + step : length;
  }
}

// `attributes` are the `length` bytes behind the message.
void Collect(const inet_diag_msg& socket, const unsigned char* attributes, std::size_t length, std::uint32_t state_mask,
             const PortSet* ports, DumpRows* rows) {
  if (socket.idiag_state >= 32 || (state_mask >> socket.idiag_state & 1) == 0) return;
  const std::uint16_t local_port = ntohs(socket.id.idiag_sport);
  if (ports != nullptr && !ports->test(local_port)) return;
  if (rows->matched < rows->capacity) {
    double* row = rows->values + rows->matched * kDumpColumns;
    row[kDumpState] = socket.idiag_state;
    row[kDumpFamily] = socket.idiag_family == AF_INET ? 4 : 6;
    row[kDumpLocalPort] = local_port;
    row[kDumpRemotePort] = ntohs(socket.id.idiag_dport);
    row[kDumpInode] = socket.idiag_inode;
    row[kDumpReceiveQueue] = socket.idiag_rqueue;
    row[kDumpSendQueue] = socket.idiag_wqueue;
    row[kDumpUid] = socket.idiag_uid;
    row[kDumpLastAckRecvMs] = row[kDumpBytesAcked] = row[kDumpBytesReceived] = kAbsent;
    CollectInfo(attributes, length, row);
    if (rows->endpoints != nullptr) PackEndpoints(socket, rows->endpoints + rows->matched * kEndpointBytes);
    rows->cookies[rows->matched] =
        static_cast<std::uint64_t>(socket.id.idiag_cookie[1]) << 32 | socket.id.idiag_cookie[0];
  }
  rows->matched++;
}

SyscallError DumpFamily(int fd, int family, std::uint32_t sequence, std::uint32_t state_mask, const PortSet* ports,
                        unsigned char* buffer, DumpRows* rows, bool* interrupted) {
  if (SyscallError error = SendRequest(fd, family, sequence, state_mask, ports, rows->with_info)) return error;
  for (int i = 0; i < kMaxDatagrams; i++) {
    std::size_t length = 0;
    if (SyscallError error = Receive(fd, buffer, &length)) return error;
    const DumpMessage message = ParseDump(buffer, length, sequence, state_mask, ports, rows);
    // A kernel without IPv6 has no handler for it, and no such sockets.
    if (message.error == ENOENT && family == AF_INET6) return {};
    if (message.error != 0) return {"sock_diag", message.error};
    *interrupted = *interrupted || message.interrupted;
    if (message.done) return {};
  }
  return {"sock_diag", EOVERFLOW};
}

}  // namespace

DumpMessage ParseDump(const unsigned char* bytes, std::size_t length, std::uint32_t sequence, std::uint32_t state_mask,
                      const PortSet* ports, DumpRows* rows) {
  DumpMessage result;
  std::size_t offset = 0;
  while (!result.done && result.error == 0 && length - offset >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, bytes + offset, sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length - offset) {
      result.error = EBADMSG;
      break;
    }
    const unsigned char* payload = bytes + offset + NLMSG_HDRLEN;
    const std::size_t payload_length = header.nlmsg_len - NLMSG_HDRLEN;
    if (header.nlmsg_seq == sequence) {
      if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) result.interrupted = true;
      int error = 0;
      if (payload_length >= sizeof(error)) std::memcpy(&error, payload, sizeof(error));
      if (header.nlmsg_type == NLMSG_DONE) {
        // Since Linux 4.15 the end of a dump carries the error that cut it short.
        result.done = true;
        if (error < 0) result.error = ErrorNumber(error);
      } else if (header.nlmsg_type == NLMSG_ERROR) {
        result.error = ErrorNumber(error);
      } else if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
        inet_diag_msg socket;
        if (payload_length < sizeof(socket)) {
          result.error = EBADMSG;
          break;
        }
        std::memcpy(&socket, payload, sizeof(socket));
        Collect(socket, payload + NLMSG_ALIGN(sizeof(socket)),
                payload_length > NLMSG_ALIGN(sizeof(socket)) ? payload_length - NLMSG_ALIGN(sizeof(socket)) : 0, state_mask,
                ports, rows);
      }
    }
    const std::size_t step = NLMSG_ALIGN(static_cast<std::size_t>(header.nlmsg_len));
    offset = step < length - offset ? offset + step : length;
  }
  return result;
}

SyscallError DumpSockets(std::uint32_t state_mask, const PortSet* ports, DumpRows* rows) {
  std::unique_ptr<unsigned char[]> buffer(new (std::nothrow) unsigned char[kReceiveBytes]);
  if (!buffer) return {"malloc", ENOMEM};
  std::uint32_t sequence = 0;
  for (int attempt = 1;; attempt++) {
    // A new socket for each attempt: whatever an abandoned dump left in the queue is gone with the old one.
    UniqueFd fd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
    if (!fd) return {"socket", errno};
    rows->matched = 0;
    bool interrupted = false;
    for (int family : {AF_INET, AF_INET6}) {
      // Each walks the kernel's whole hash table, however few sockets it finds there.
      if (rows->family != AF_UNSPEC && rows->family != family) continue;
      SyscallError error =
          DumpFamily(fd.get(), family, ++sequence, state_mask, ports, buffer.get(), rows, &interrupted);
      if (error) return error;
    }
    if (!interrupted || attempt == kAttempts) return {};
  }
}

}  // namespace cwg
