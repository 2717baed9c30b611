#include "socket_reader.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "file_stat.h"
#include "tcp_info.h"

namespace cwg {
namespace {

int ReadOption(int fd, int option, void* value, socklen_t size) {
  socklen_t length = size;
  if (getsockopt(fd, SOL_SOCKET, option, value, &length) != 0) return errno;
  return length == size ? 0 : EPROTONOSUPPORT;
}

// A queue that this kernel or sandbox does not tell is an absent field, not a failed record.
std::int64_t ReadQueue(int fd, unsigned long request) {
  int bytes = -1;
  return ioctl(fd, request, &bytes) == 0 && bytes >= 0 ? bytes : kAbsent;
}

SocketRecord Failure(int error) {
  SocketRecord record;
  record.error = error;
  return record;
}

int CheckProtocol(int fd) {
  int protocol = 0;
  if (int error = ReadOption(fd, SO_PROTOCOL, &protocol, sizeof(protocol))) return error;
  return protocol == IPPROTO_TCP ? 0 : EPROTONOSUPPORT;
}

int CheckStream(int fd) {
  int type = 0;
  if (int error = ReadOption(fd, SO_TYPE, &type, sizeof(type))) return error;
  return type == SOCK_STREAM ? 0 : EPROTONOSUPPORT;
}

}  // namespace

int IdentifyTcp(int fd, std::uint64_t* cookie) {
  *cookie = 0;
  // The protocol number alone is not enough: 6 is also NETLINK_XFRM and a raw IPPROTO_TCP socket.
  if (int error = CheckProtocol(fd)) return error;
  if (int error = CheckStream(fd)) return error;
  return IdentifySocket(fd, cookie);
}

int IdentifySocket(int fd, std::uint64_t* cookie) {
  const int refusal = ReadCookie(fd, cookie);
  if (refusal == 0) return 0;
  FileStat file;
  if (StatFd(fd, &file) != 0 || !file.is_socket) return refusal;
  *cookie = kInodeIdentity | file.inode;
  return 0;
}

int ReadCookie(int fd, std::uint64_t* cookie) {
  *cookie = 0;
  socklen_t length = sizeof(*cookie);
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &length) != 0) return errno;
  if (length == sizeof(*cookie) && *cookie != 0) return 0;
  *cookie = 0;
  return ENODATA;
}

int StateFromPoll(int fd) {
  if (IsListening(fd)) return kTcpListen;
  pollfd events = {fd, POLLRDHUP, 0};
  if (poll(&events, 1, 0) < 0) return kTcpUnknown;
  const bool received_fin = (events.revents & POLLRDHUP) != 0;
  const bool both_ended = (events.revents & POLLHUP) != 0;
  if (received_fin && !both_ended) return kTcpCloseWait;
  if (!received_fin) return both_ended ? kTcpUnknown : kTcpEstablished;
  // A reset, or a time-out, shuts both directions down and takes the peer's name.
  sockaddr_storage peer = {};
  socklen_t length = sizeof(peer);
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &length) == 0 ? kTcpLastAck : kTcpClose;
}

bool IsListening(int fd) {
  // Not TCP_INFO: that locks the socket and fills in a whole struct, for one byte of it.
  int listening = 0;
  return ReadOption(fd, SO_ACCEPTCONN, &listening, sizeof(listening)) == 0 && listening != 0;
}

SocketRecord ReadSocket(int fd) {
  SocketRecord record;
  if (int error = CheckProtocol(fd)) return Failure(error);
  if (int error = IdentifySocket(fd, &record.cookie)) return Failure(error);
  TcpInfo info;
  record.info_error = ReadTcpInfo(fd, &info);
  // Of the sockets with TCP's number only TCP's own have TCP_INFO: of the others the type tells.
  if (record.info_error != 0) {
    if (int error = CheckStream(fd)) return Failure(error);
  }
  record.state = record.info_error == 0 ? info.state : StateFromPoll(fd);
  if (record.state == kTcpListen) {
    // Of a listener tcp_get_info() fills in the accept queue and returns: the rest of the struct is not zero but
    // unknown, and SIOCINQ and SIOCOUTQ answer EINVAL.
    record.accept_queue = info.unacked;
    record.backlog = info.sacked;
  } else {
    static_cast<TcpProgress&>(record) = info;
    record.unread_bytes = ReadQueue(fd, SIOCINQ);
    record.unsent_bytes = ReadQueue(fd, SIOCOUTQ);
  }

  // Another thread may have closed the fd and reused its number meanwhile: such a record would mix two sockets.
  std::uint64_t still = 0;
  if (int error = IdentifySocket(fd, &still)) return Failure(error);
  return still == record.cookie ? record : Failure(EBADF);
}

}  // namespace cwg
