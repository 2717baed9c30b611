#include "socket_reader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "file_stat.h"
#include "socket_record.h"
#include "tcp_info_view.h"

namespace cwg {
namespace {

// What one getsockopt(TCP_INFO) returned: larger than any kernel's struct, zero-filled, trusted up to `length` only.
struct TcpInfo {
  alignas(8) unsigned char bytes[512] = {};
  socklen_t length = sizeof(bytes);

  // On failure every field is absent.
  int Read(int fd) {
    int error = getsockopt(fd, IPPROTO_TCP, TCP_INFO, bytes, &length) == 0 ? 0 : errno;
    // A network stack that fills in zeros (gVisor's early one) says nothing.
    if (error == 0 && view().state() <= kTcpUnknown) error = ENODATA;
    if (error != 0) length = 0;
    return error;
  }

  TcpInfoView view() const { return {bytes, length}; }
};

int ReadOption(int fd, int option, void* value, socklen_t size) {
  socklen_t length = size;
  if (getsockopt(fd, SOL_SOCKET, option, value, &length) != 0) return errno;
  return length == size ? 0 : EPROTONOSUPPORT;
}

// A queue that this kernel or sandbox will not tell is an absent column, not a failed row.
double ReadQueue(int fd, unsigned long request) {
  int bytes = -1;
  return ioctl(fd, request, &bytes) == 0 && bytes >= 0 ? bytes : kAbsent;
}

bool FailRow(double* record, std::uint64_t* cookie, int error) {
  std::fill(record, record + kRecordColumns, kAbsent);
  record[kErrno] = error;
  *cookie = 0;
  return false;
}

struct Endpoint {
  bool known = false;
  bool ipv4 = false;
  std::uint16_t port = 0;
  std::uint8_t address[kAddressBytes] = {};
};

using NameFunction = int (*)(int, sockaddr*, socklen_t*);

Endpoint ReadEndpoint(int fd, NameFunction name) {
  Endpoint endpoint;
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);
  if (name(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return endpoint;
  if (storage.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, &storage, sizeof(in));
    endpoint.known = endpoint.ipv4 = true;
    endpoint.port = ntohs(in.sin_port);
    std::memcpy(endpoint.address, &in.sin_addr, sizeof(in.sin_addr));
  } else if (storage.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in6;
    std::memcpy(&in6, &storage, sizeof(in6));
    endpoint.known = true;
    endpoint.port = ntohs(in6.sin6_port);
    endpoint.ipv4 = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
    std::memcpy(endpoint.address, &in6.sin6_addr, sizeof(in6.sin6_addr));
    if (endpoint.ipv4) {
      std::memmove(endpoint.address, endpoint.address + 12, 4);
      std::memset(endpoint.address + 4, 0, kAddressBytes - 4);
    }
  }
  return endpoint;
}

void PackPort(std::uint8_t* slot, std::uint16_t port) {
  slot[0] = static_cast<std::uint8_t>(port & 0xff);
  slot[1] = static_cast<std::uint8_t>(port >> 8);
}

}  // namespace

int IdentifyTcp(int fd, std::uint64_t* cookie) {
  *cookie = 0;
  // The protocol number alone is not enough: 6 is also NETLINK_XFRM and a raw IPPROTO_TCP socket.
  int protocol = 0;
  if (int error = ReadOption(fd, SO_PROTOCOL, &protocol, sizeof(protocol))) return error;
  if (protocol != IPPROTO_TCP) return EPROTONOSUPPORT;
  int type = 0;
  if (int error = ReadOption(fd, SO_TYPE, &type, sizeof(type))) return error;
  if (type != SOCK_STREAM) return EPROTONOSUPPORT;
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

int ReadTcpInfoState(int fd, int* state, std::size_t* length) {
  TcpInfo info;
  const int error = info.Read(fd);
  *state = static_cast<int>(info.view().state());
  *length = info.length;
  return error;
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

bool ReadSocket(int fd, double* record, std::uint64_t* cookie) {
  if (int error = IdentifyTcp(fd, cookie)) return FailRow(record, cookie, error);
  TcpInfo answer;
  const int refusal = answer.Read(fd);
  const TcpInfoView info = answer.view();

  record[kErrno] = 0;
  record[kInfoErrno] = refusal;
  record[kState] = refusal == 0 ? info.state() : StateFromPoll(fd);
  // On a listener tcp_get_info() fills in the accept queue and returns: the rest of the struct is not zero but unknown,
  // and SIOCINQ and SIOCOUTQ answer EINVAL.
  const bool listening = record[kState] == kTcpListen;
  const auto of_connection = [listening](double value) { return listening ? kAbsent : value; };
  record[kLastDataSentMs] = of_connection(info.last_data_sent_ms());
  record[kLastDataRecvMs] = of_connection(info.last_data_recv_ms());
  record[kLastAckRecvMs] = of_connection(info.last_ack_recv_ms());
  record[kBytesAcked] = of_connection(info.bytes_acked());
  record[kBytesReceived] = of_connection(info.bytes_received());
  record[kReceiveWindow] = of_connection(info.receive_window());
  record[kUnreadBytes] = listening ? kAbsent : ReadQueue(fd, SIOCINQ);
  record[kUnsentBytes] = listening ? kAbsent : ReadQueue(fd, SIOCOUTQ);
  record[kAcceptQueue] = listening ? info.unacked() : kAbsent;
  record[kBacklog] = listening ? info.sacked() : kAbsent;

  // Another thread may have closed the fd and reused its number meanwhile: such a row would mix two sockets.
  std::uint64_t still = 0;
  if (int error = IdentifyTcp(fd, &still)) return FailRow(record, cookie, error);
  return still == *cookie ? true : FailRow(record, cookie, EBADF);
}

bool ReadEndpoints(int fd, std::uint8_t* packed) {
  std::memset(packed, 0, kEndpointBytes);
  std::uint64_t cookie = 0;
  if (IdentifyTcp(fd, &cookie) != 0) return false;
  const Endpoint local = ReadEndpoint(fd, getsockname);
  if (!local.known) return false;
  // ENOTCONN on a listener, before the handshake, and after a reset: then there is no peer, and the port stays 0.
  const Endpoint remote = ReadEndpoint(fd, getpeername);
  packed[kEndpointFamily] = local.ipv4 ? 4 : 6;
  PackPort(packed + kEndpointLocalPort, local.port);
  std::memcpy(packed + kEndpointLocalAddress, local.address, kAddressBytes);
  if (remote.known && remote.ipv4 == local.ipv4) {
    PackPort(packed + kEndpointRemotePort, remote.port);
    std::memcpy(packed + kEndpointRemoteAddress, remote.address, kAddressBytes);
  }
  return true;
}

bool FormatAddress(const std::uint8_t* address, int family, char* text, std::size_t size) {
  return inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, static_cast<socklen_t>(size)) != nullptr;
}

}  // namespace cwg
