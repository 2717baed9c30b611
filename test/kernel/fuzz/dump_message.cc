// libFuzzer: ParseDump() over any bytes, with the request in the first of them. See ../fuzz.sh.
#include "../../../native/linux/dump_message.h"

#include <cstdlib>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t length) {
  fuzz::Input input(bytes, length);
  cwg::DumpRequest request;
  request.state_mask = input.Take<std::uint32_t>();
  const std::uint8_t options = input.Take<std::uint8_t>();
  static cwg::PortSet ports = [] {
    cwg::PortSet set;
    for (std::size_t port = 0; port < set.size(); port += 3) set.set(port);
    return set;
  }();
  if ((options & 1) != 0) request.ports = &ports;
  const std::uint32_t sequence = input.Take<std::uint32_t>();
  std::size_t rows = 0;
  std::size_t told = 0;
  const auto take = [&](std::size_t row, const cwg::DumpedSocket& socket) {
    // Rows count up, and only what was asked for is told.
    if (row != told++) std::abort();
    if (socket.state < 0 || socket.state >= 32 || (request.state_mask >> socket.state & 1) == 0) std::abort();
    if (request.ports != nullptr && !request.ports->test(static_cast<std::size_t>(socket.local_port))) std::abort();
    if (socket.family != 4 && socket.family != 6) std::abort();
    if (socket.endpoints.family != 4 && socket.endpoints.family != 6) std::abort();
  };
  const fuzz::Exact rest = input.Rest();
  const cwg::DumpMessage message = cwg::ParseDump(rest.bytes.get(), rest.length, sequence, request, take, &rows);
  if (rows != told) std::abort();
  if (message.error < 0 || message.error >= 4096) std::abort();
  // A row takes a header and a message of its own.
  if (rows * 16 > length) std::abort();
  return 0;
}
