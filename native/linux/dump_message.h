#ifndef CLOSE_WAIT_GUARD_LINUX_DUMP_MESSAGE_H_
#define CLOSE_WAIT_GUARD_LINUX_DUMP_MESSAGE_H_

#include <sys/socket.h>

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "socket_record.h"

namespace cwg {

using PortSet = std::bitset<65536>;

// Which sockets a dump returns, and what of them.
struct DumpRequest {
  std::uint32_t state_mask = 0;    // bit n = state n
  const PortSet* ports = nullptr;  // local ports; null for all
  int family = AF_UNSPEC;          // AF_INET or AF_INET6, to which IPv4-mapped sockets belong; AF_UNSPEC for both
  bool with_info = false;          // ask for TCP_INFO of each socket, which doubles what a dump costs
  int namespace_of = 0;            // a process in the network namespace that is asked; 0 for the own one
};

// Is called with each socket and its row, counted from 0. A dump that has to be taken again counts from 0 again.
using TakeSocket = std::function<void(std::size_t row, const DumpedSocket& socket)>;

struct DumpMessage {
  bool done = false;
  bool interrupted = false;
  int error = 0;
};

// Takes one datagram of a dump apart and adds the number of its sockets to `rows`. Tests feed it what no kernel sends.
DumpMessage ParseDump(const unsigned char* bytes, std::size_t length, std::uint32_t sequence,
                      const DumpRequest& request, const TakeSocket& take, std::size_t* rows);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_DUMP_MESSAGE_H_
