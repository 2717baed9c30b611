// libFuzzer: PackEndpoints() and FormatAddress() with any addresses. Text is held against inet_pton(3). See ../fuzz.sh.
#include "../../../native/linux/endpoints.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstdlib>
#include <cstring>

#include "../../../native/layout.h"
#include "input.h"

namespace {

void Format(const std::uint8_t* address, int family, std::size_t size) {
  auto text = std::make_unique<char[]>(size);
  std::memset(text.get(), '#', size);
  const bool fits = cwg::FormatAddress(address, family, text.get(), size);
  if (!fits) {
    // Only a buffer that is too small for it refuses an address.
    if (size >= INET6_ADDRSTRLEN) std::abort();
    return;
  }
  if (std::memchr(text.get(), '\0', size) == nullptr) std::abort();
  std::uint8_t back[cwg::kAddressBytes] = {};
  if (inet_pton(family == 4 ? AF_INET : AF_INET6, text.get(), back) != 1) std::abort();
  if (std::memcmp(back, address, family == 4 ? 4 : cwg::kAddressBytes) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t length) {
  fuzz::Input input(bytes, length);
  const int family = (input.Take<std::uint8_t>() & 1) != 0 ? 6 : 4;
  const std::size_t size = input.Take<std::uint8_t>() % (INET6_ADDRSTRLEN + 8);
  cwg::Endpoints endpoints;
  endpoints.family = static_cast<std::uint8_t>(family);
  endpoints.local.port = input.Take<std::uint16_t>();
  endpoints.remote.port = input.Take<std::uint16_t>();
  for (std::uint8_t& byte : endpoints.local.address) byte = input.Take<std::uint8_t>();
  for (std::uint8_t& byte : endpoints.remote.address) byte = input.Take<std::uint8_t>();
  auto packed = std::make_unique<std::uint8_t[]>(cwg::kEndpointBytes);
  cwg::PackEndpoints(endpoints, packed.get());
  if (std::memcmp(packed.get() + cwg::kLocalAddressOffset, endpoints.local.address, cwg::kAddressBytes) != 0)
    std::abort();
  if ((packed[cwg::kRemotePortOffset] | packed[cwg::kRemotePortOffset + 1] << 8) != endpoints.remote.port) std::abort();
  Format(packed.get() + cwg::kLocalAddressOffset, family, size);
  Format(packed.get() + cwg::kRemoteAddressOffset, family, INET6_ADDRSTRLEN);
  return 0;
}
