#include "dump_message.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "tcp_info.h"

namespace cwg {
namespace {

// A netlink error is a negative errno; the kernel sends no other number there.
int ErrorNumber(int code) { return code < 0 && code > -4096 ? -code : EBADMSG; }

// How far it is to the next of a row of aligned structs, of which `left` bytes are left.
std::size_t Step(std::size_t aligned, std::size_t left) { return aligned < left ? aligned : left; }

bool IsMapped(const __be32 (&address)[4]) { return address[0] == 0 && address[1] == 0 && address[2] == htonl(0xffff); }

Endpoint EndpointOf(bool ipv4, const __be32 (&address)[4], __be16 port) {
  Endpoint endpoint;
  endpoint.port = ntohs(port);
  if (ipv4) {
    std::memcpy(endpoint.address, IsMapped(address) ? &address[3] : &address[0], sizeof(address[0]));
  } else {
    std::memcpy(endpoint.address, address, sizeof(address));
  }
  return endpoint;
}

Endpoints EndpointsOf(const inet_diag_msg& socket) {
  const inet_diag_sockid& id = socket.id;
  // A listener has no peer: its other end is `::`, whatever its own address is.
  const bool mapped = IsMapped(id.idiag_src) && (IsMapped(id.idiag_dst) || id.idiag_dport == 0);
  const bool ipv4 = socket.idiag_family == AF_INET || mapped;
  Endpoints endpoints;
  endpoints.family = ipv4 ? 4 : 6;
  endpoints.local = EndpointOf(ipv4, id.idiag_src, id.idiag_sport);
  endpoints.remote = EndpointOf(ipv4, id.idiag_dst, id.idiag_dport);
  return endpoints;
}

// SK_MEMINFO_RMEM_ALLOC and SK_MEMINFO_WMEM_QUEUED, of the 32-bit numbers that sock_diag_put_meminfo() writes.
std::int64_t MemoryIn(const unsigned char* numbers, std::size_t length) {
  std::uint32_t memory[SK_MEMINFO_VARS] = {};
  std::memcpy(memory, numbers, length < sizeof(memory) ? length : sizeof(memory));
  return static_cast<std::int64_t>(memory[SK_MEMINFO_RMEM_ALLOC]) + memory[SK_MEMINFO_WMEM_QUEUED];
}

// Reads the attributes (rtnetlink(7)) behind a socket's message.
void ReadAttributes(const unsigned char* attributes, std::size_t length, DumpedSocket* socket) {
  std::size_t offset = 0;
  while (length - offset >= sizeof(rtattr)) {
    rtattr attribute = {};
    std::memcpy(&attribute, attributes + offset, sizeof(attribute));
    if (attribute.rta_len < sizeof(attribute) || attribute.rta_len > length - offset) break;
    const unsigned char* value = attributes + offset + RTA_LENGTH(0);
    const std::size_t value_length = attribute.rta_len - RTA_LENGTH(0);
    if (attribute.rta_type == INET_DIAG_INFO) {
      static_cast<TcpProgress&>(*socket) = ParseTcpInfo(value, value_length);
    } else if (attribute.rta_type == INET_DIAG_SKMEMINFO) {
      socket->memory_bytes = MemoryIn(value, value_length);
    }
    offset += Step(RTA_ALIGN(static_cast<std::size_t>(attribute.rta_len)), length - offset);
  }
}

bool IsAskedFor(const DumpRequest& request, const inet_diag_msg& socket) {
  if (socket.idiag_state >= 32 || (request.state_mask >> socket.idiag_state & 1) == 0) return false;
  return request.ports == nullptr || request.ports->test(ntohs(socket.id.idiag_sport));
}

// `attributes` are the `length` bytes behind the message.
DumpedSocket SocketOf(const inet_diag_msg& message, const unsigned char* attributes, std::size_t length) {
  DumpedSocket socket;
  ReadAttributes(attributes, length, &socket);
  socket.state = message.idiag_state;
  socket.family = message.idiag_family == AF_INET ? 4 : 6;
  socket.local_port = ntohs(message.id.idiag_sport);
  socket.remote_port = ntohs(message.id.idiag_dport);
  socket.inode = message.idiag_inode;
  socket.receive_queue = message.idiag_rqueue;
  socket.send_queue = message.idiag_wqueue;
  socket.uid = message.idiag_uid;
  socket.cookie = static_cast<std::uint64_t>(message.id.idiag_cookie[1]) << 32 | message.id.idiag_cookie[0];
  socket.endpoints = EndpointsOf(message);
  return socket;
}

// Returns 0 or an errno.
int ParseSocket(const unsigned char* payload, std::size_t length, const DumpRequest& request, const TakeSocket& take,
                std::size_t* rows) {
  inet_diag_msg message = {};
  if (length < sizeof(message)) return EBADMSG;
  std::memcpy(&message, payload, sizeof(message));
  if (!IsAskedFor(request, message)) return 0;
  const std::size_t behind = Step(NLMSG_ALIGN(sizeof(message)), length);
  take((*rows)++, SocketOf(message, payload + behind, length - behind));
  return 0;
}

}  // namespace

DumpMessage ParseDump(const unsigned char* bytes, std::size_t length, std::uint32_t sequence,
                      const DumpRequest& request, const TakeSocket& take, std::size_t* rows) {
  DumpMessage result;
  std::size_t offset = 0;
  while (!result.done && result.error == 0 && length - offset >= sizeof(nlmsghdr)) {
    nlmsghdr header = {};
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
      } else if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY || header.nlmsg_type == TCPDIAG_GETSOCK) {
        result.error = ParseSocket(payload, payload_length, request, take, rows);
      }
    }
    offset += Step(NLMSG_ALIGN(static_cast<std::size_t>(header.nlmsg_len)), length - offset);
  }
  return result;
}

}  // namespace cwg
