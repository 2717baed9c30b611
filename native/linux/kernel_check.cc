#include "kernel_check.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "../unique_fd.h"
#include "socket_reader.h"
#include "tcp_info.h"

namespace cwg {
namespace {

UniqueFd NewTcpSocket() {
  for (int family : {AF_INET, AF_INET6}) {
    UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
    // EAFNOSUPPORT: a system with one of the families only.
    if (fd || errno != EAFNOSUPPORT) return fd;
  }
  return {};
}

int CheckQueue(int fd, unsigned long request) {
  int bytes = 0;
  return ioctl(fd, request, &bytes) == 0 ? 0 : errno;
}

// Of a socket without a peer the kernel says ENOTCONN; a sandbox that refuses the option says something else.
int CheckPeerName(int fd) {
  sockaddr_in6 peer = {};
  socklen_t length = sizeof(peer);
  const bool told = getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &peer, &length) == 0 || errno == ENOTCONN;
  return told ? 0 : errno;
}

}  // namespace

KernelCheck CheckKernel() {
  KernelCheck check;
  const UniqueFd one = NewTcpSocket();
  const UniqueFd other = one ? NewTcpSocket() : UniqueFd();
  if (!one || !other) {
    check.socket = errno;
    return check;
  }
  std::uint64_t cookie = 0;
  check.cookie = ReadCookie(one.get(), &cookie);
  std::uint64_t identities[2] = {};
  check.identity = IdentifyTcp(one.get(), &identities[0]);
  if (check.identity == 0) check.identity = IdentifyTcp(other.get(), &identities[1]);
  if (check.identity == 0 && identities[0] == identities[1]) check.identity = EEXIST;
  TcpInfo info;
  check.tcp_info = ReadTcpInfo(one.get(), &info);
  if (check.tcp_info == 0 && info.bytes_received == kAbsent) check.tcp_info = EMSGSIZE;
  check.peer_name = CheckPeerName(one.get());
  check.queues = CheckQueue(one.get(), SIOCINQ);
  if (check.queues == 0) check.queues = CheckQueue(one.get(), SIOCOUTQ);
  return check;
}

}  // namespace cwg
