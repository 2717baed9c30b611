#ifndef CLOSE_WAIT_GUARD_SOCK_DIAG_H_
#define CLOSE_WAIT_GUARD_SOCK_DIAG_H_

#include <sys/socket.h>

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "unique_fd.h"

namespace cwg {

using PortSet = std::bitset<65536>;

// Rows of kDumpColumns doubles, one cookie and, unless `endpoints` is null, kEndpointBytes each. `matched` counts past
// `capacity`. The columns from kDumpLastAckRecvMs on are kAbsent unless `with_info`: the kernel's TCP_INFO of each socket,
// which doubles what a dump costs.
struct DumpRows {
  double* values = nullptr;
  std::uint64_t* cookies = nullptr;
  std::uint8_t* endpoints = nullptr;
  std::size_t capacity = 0;
  std::size_t matched = 0;
  bool with_info = false;
  // AF_INET or AF_INET6; AF_UNSPEC for both. IPv4-mapped sockets belong to AF_INET6.
  int family = AF_UNSPEC;
};

// Every TCP socket of the own network namespace in one of the states of `state_mask` (bit n = state n) and, unless
// `ports` is null, on one of these local ports: sock_diag(7), no privilege needed.
SyscallError DumpSockets(std::uint32_t state_mask, const PortSet* ports, DumpRows* rows);

// Takes one datagram of a dump apart; DumpSockets() is a loop around it. Split off so that tests can feed it anything.
struct DumpMessage {
  bool done = false;
  bool interrupted = false;
  int error = 0;
};
DumpMessage ParseDump(const unsigned char* bytes, std::size_t length, std::uint32_t sequence, std::uint32_t state_mask,
                      const PortSet* ports, DumpRows* rows);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_SOCK_DIAG_H_
