#include "endpoints.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "socket_reader.h"

namespace cwg {
namespace {

constexpr std::size_t kMappedPrefixBytes = 12;

struct NamedEndpoint {
  std::uint8_t family = 0;
  Endpoint endpoint;
};

// getsockname(2), getpeername(2) or RememberedPeer.
using NameFunction = int (*)(int, sockaddr*, socklen_t*);

// After a reset getpeername(2) refuses what the kernel still has; SO_PEERNAME (Linux 2.4 and later) does not. That
// takes no buffer that is larger than the address.
int RememberedPeer(int fd, sockaddr* peer, socklen_t* length) {
  *length = sizeof(sockaddr_in6);
  if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, peer, length) == 0) return 0;
  *length = sizeof(sockaddr_in);
  return getsockopt(fd, SOL_SOCKET, SO_PEERNAME, peer, length);
}

NamedEndpoint ReadEndpoint(int fd, NameFunction name) {
  NamedEndpoint named;
  std::uint8_t* const address = named.endpoint.address;
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);
  if (name(fd, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return named;
  if (storage.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in = {};
    std::memcpy(&in, &storage, sizeof(in));
    named.family = 4;
    named.endpoint.port = ntohs(in.sin_port);
    std::memcpy(address, &in.sin_addr, sizeof(in.sin_addr));
  } else if (storage.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in6 = {};
    std::memcpy(&in6, &storage, sizeof(in6));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in6.sin6_addr);
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr);
    named.family = mapped ? 4 : 6;
    named.endpoint.port = ntohs(in6.sin6_port);
    if (mapped) {
      std::memcpy(address, bytes + kMappedPrefixBytes, sizeof(in_addr));
    } else {
      std::memcpy(address, bytes, kAddressBytes);
    }
  }
  return named;
}

}  // namespace

Endpoints ReadEndpoints(int fd) {
  Endpoints endpoints;
  std::uint64_t cookie = 0;
  if (IdentifyTcp(fd, &cookie) != 0) return endpoints;
  const NamedEndpoint local = ReadEndpoint(fd, getsockname);
  if (local.family == 0) return endpoints;
  endpoints.family = local.family;
  endpoints.local = local.endpoint;
  NamedEndpoint remote = ReadEndpoint(fd, getpeername);
  if (remote.family == 0) remote = ReadEndpoint(fd, RememberedPeer);
  // A listener has no peer, and the port stays 0.
  if (remote.family == local.family) endpoints.remote = remote.endpoint;
  return endpoints;
}

bool FormatAddress(const std::uint8_t* address, int family, char* text, std::size_t size) {
  return inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, static_cast<socklen_t>(size)) != nullptr;
}

}  // namespace cwg
