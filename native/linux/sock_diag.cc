#include "sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <new>

#include "../syscall.h"
#include "../unique_fd.h"
#include "net_namespace.h"

namespace cwg {
namespace {

// netlink_recvmsg() builds dump messages of at most 32 KiB (net/netlink/af_netlink.c), whatever room there is.
constexpr std::size_t kReceiveBytes = std::size_t{32} * 1024;

// A dump of a table that changed under it carries NLM_F_DUMP_INTR: rows may be missing. On a busy host every dump may,
// so the last attempt counts as it is.
constexpr int kAttempts = 3;

// The kernel ends every dump with NLMSG_DONE or NLMSG_ERROR. This bound, at some 300 rows a datagram more sockets than
// a namespace has, is for the case that it does not.
constexpr int kMaxDatagrams = 1 << 16;

// "Local port from `lowest` to `highest`" in the filter language of inet_diag (inet_diag_bc_run(),
// net/ipv4/inet_diag.c). Each comparison is two ops: the first says how many bytes on to go when it holds and when it
// does not, the second has the port. A jump to 4 bytes past the end leaves the socket out. The kernel then builds no
// message of such a socket, and those messages are most of what a dump costs.
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

// The older request for TCP sockets, of all families: one walk through the kernel's hash table, where the newer one,
// which is for one family, walks it once for each (inet_diag_dump_compat(), net/ipv4/inet_diag.c). What comes back is
// the same.
struct AnyFamilyRequest {
  nlmsghdr header;
  inet_diag_req body;
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

template <typename AnyRequest>
SyscallError Send(int fd, int type, std::uint32_t sequence, const DumpRequest& wanted, AnyRequest* request) {
  if (wanted.ports != nullptr) request->ports = RangeOf(*wanted.ports);
  const std::size_t length = sizeof(*request) - (wanted.ports == nullptr ? sizeof(request->ports) : 0);
  request->header.nlmsg_len = static_cast<__u32>(length);
  request->header.nlmsg_type = static_cast<__u16>(type);
  request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request->header.nlmsg_seq = sequence;
  request->body.idiag_states = wanted.state_mask;
  if (wanted.with_info) request->body.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_SKMEMINFO - 1);
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = RetryOnEintr(
      [&] { return sendto(fd, request, length, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel)); });
  return sent < 0 ? SyscallError{"sendto", errno} : SyscallError{};
}

SyscallError SendRequest(int fd, int family, std::uint32_t sequence, const DumpRequest& wanted) {
  if (family == AF_UNSPEC) {
    AnyFamilyRequest request = {};
    request.body.idiag_family = AF_INET;  // not looked at
    return Send(fd, TCPDIAG_GETSOCK, sequence, wanted, &request);
  }
  Request request = {};
  request.body.sdiag_family = static_cast<__u8>(family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  return Send(fd, SOCK_DIAG_BY_FAMILY, sequence, wanted, &request);
}

// One datagram of the kernel. `length` 0: one that came from elsewhere, to be ignored.
SyscallError Receive(int fd, unsigned char* buffer, std::size_t* length) {
  sockaddr_nl sender = {};
  iovec part = {};
  part.iov_base = buffer;
  part.iov_len = kReceiveBytes;
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

SyscallError DumpFamily(int fd, int family, std::uint32_t sequence, const DumpRequest& request, const TakeSocket& take,
                        unsigned char* buffer, std::size_t* rows, bool* interrupted) {
  if (SyscallError error = SendRequest(fd, family, sequence, request)) return error;
  for (int i = 0; i < kMaxDatagrams; i++) {
    std::size_t length = 0;
    if (SyscallError error = Receive(fd, buffer, &length)) return error;
    const DumpMessage message = ParseDump(buffer, length, sequence, request, take, rows);
    // A kernel without IPv6 has no handler for it, and no such sockets.
    if (message.error == ENOENT && family == AF_INET6) return {};
    if (message.error != 0) return {"sock_diag", message.error};
    *interrupted = *interrupted || message.interrupted;
    if (message.done) return {};
  }
  return {"sock_diag", EOVERFLOW};
}

SyscallError OpenDiag(int namespace_of, UniqueFd* fd) {
  constexpr int kType = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (namespace_of != 0) return SocketInNamespaceOf(namespace_of, AF_NETLINK, kType, NETLINK_SOCK_DIAG, fd);
  *fd = UniqueFd(socket(AF_NETLINK, kType, NETLINK_SOCK_DIAG));
  return *fd ? SyscallError{} : SyscallError{"socket", errno};
}

// Of both families in turn.
SyscallError DumpFamilies(int fd, std::uint32_t* sequence, const DumpRequest& request, const TakeSocket& take,
                          unsigned char* buffer, std::size_t* rows, bool* interrupted) {
  for (int family : {AF_INET, AF_INET6}) {
    // Each walks the kernel's whole hash table, however few sockets it finds there.
    if (request.family != AF_UNSPEC && request.family != family) continue;
    SyscallError error = DumpFamily(fd, family, ++*sequence, request, take, buffer, rows, interrupted);
    if (error) return error;
  }
  return {};
}

}  // namespace

SyscallError DumpSockets(const DumpRequest& request, const TakeSocket& take, std::size_t* rows) {
  std::unique_ptr<unsigned char[]> buffer(new (std::nothrow) unsigned char[kReceiveBytes]);
  if (!buffer) return {"malloc", ENOMEM};
  std::uint32_t sequence = 0;
  // What stands in for the kernel, as gVisor does, may know the newer request alone.
  bool at_once = request.family == AF_UNSPEC;
  for (int attempt = 1;;) {
    // A new socket for each attempt: whatever an abandoned dump left in the queue is gone with the old one.
    UniqueFd fd;
    if (SyscallError error = OpenDiag(request.namespace_of, &fd)) return error;
    *rows = 0;
    bool interrupted = false;
    if (at_once) {
      if (DumpFamily(fd.get(), AF_UNSPEC, ++sequence, request, take, buffer.get(), rows, &interrupted)) {
        at_once = false;
        continue;
      }
    } else {
      SyscallError error = DumpFamilies(fd.get(), &sequence, request, take, buffer.get(), rows, &interrupted);
      if (error) return error;
    }
    if (!interrupted || attempt == kAttempts) return {};
    attempt++;
  }
}

}  // namespace cwg
