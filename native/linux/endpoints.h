#ifndef CLOSE_WAIT_GUARD_LINUX_ENDPOINTS_H_
#define CLOSE_WAIT_GUARD_LINUX_ENDPOINTS_H_

#include <cstddef>
#include <cstdint>

namespace cwg {

inline constexpr std::size_t kAddressBytes = 16;

// One end of a connection. The address is in network order; an IPv4 one is in the first four bytes.
struct Endpoint {
  std::uint16_t port = 0;
  std::uint8_t address[kAddressBytes] = {};
};

// Both ends. IPv4-mapped IPv6 addresses (::ffff:0:0/96, RFC 4291) are given as IPv4.
struct Endpoints {
  std::uint8_t family = 0;  // 4 or 6; 0 where they cannot be read
  Endpoint local;
  Endpoint remote;  // port 0: the kernel knows no peer
};

// Of what is no TCP socket the family is 0.
Endpoints ReadEndpoints(int fd);

// inet_ntop(3) of one address. `family` is 4 or 6, `size` at least INET6_ADDRSTRLEN.
bool FormatAddress(const std::uint8_t* address, int family, char* text, std::size_t size);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_ENDPOINTS_H_
