// ParseDump() over messages no kernel sends. Every input is an exact-size heap block, so that a read one byte past it
// is an AddressSanitizer report.
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "../../../native/linux/dump_message.h"
#include "check.h"
#include "suites.h"

namespace {

constexpr std::uint32_t kSequence = 7;
constexpr std::uint32_t kAllStates = 0xffffffff;

using Bytes = std::vector<unsigned char>;

template <typename Payload>
Bytes Message(std::uint16_t type, const Payload& payload, std::uint16_t flags = 0, std::uint32_t sequence = kSequence) {
  nlmsghdr header = {};
  header.nlmsg_len = NLMSG_LENGTH(sizeof(payload));
  header.nlmsg_type = type;
  header.nlmsg_flags = flags;
  header.nlmsg_seq = sequence;
  Bytes bytes(NLMSG_SPACE(sizeof(payload)));
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + NLMSG_HDRLEN, &payload, sizeof(payload));
  return bytes;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inet_diag_msg Socket(std::uint8_t state, std::uint16_t port) {
  inet_diag_msg socket = {};
  socket.idiag_family = AF_INET;
  socket.idiag_state = state;
  socket.id.idiag_sport = htons(port);
  socket.id.idiag_cookie[0] = 0x89abcdef;
  socket.id.idiag_cookie[1] = 0x01234567;
  return socket;
}

struct Parsed {
  cwg::DumpMessage message;
  std::size_t rows = 0;
  std::vector<cwg::DumpedSocket> sockets;
};

Parsed Parse(const Bytes& input, const cwg::PortSet* ports = nullptr, std::uint32_t states = kAllStates) {
  Parsed parsed;
  auto exact = std::make_unique<unsigned char[]>(input.size());
  std::copy(input.begin(), input.end(), exact.get());
  cwg::DumpRequest request;
  request.state_mask = states;
  request.ports = ports;
  const auto take = [&parsed](std::size_t row, const cwg::DumpedSocket& socket) {
    CHECK(row == parsed.sockets.size());
    parsed.sockets.push_back(socket);
  };
  parsed.message = cwg::ParseDump(exact.get(), input.size(), kSequence, request, take, &parsed.rows);
  return parsed;
}

void Rows() {
  const Bytes row = Message(SOCK_DIAG_BY_FAMILY, Socket(8, 4242));
  const Parsed one = Parse(row + Message(NLMSG_DONE, int{0}));
  CHECK(one.message.done && one.message.error == 0 && !one.message.interrupted);
  CHECK(one.rows == 1 && one.sockets.size() == 1);
  const cwg::DumpedSocket& socket = one.sockets[0];
  CHECK(socket.state == 8 && socket.local_port == 4242 && socket.family == 4);
  CHECK(socket.endpoints.family == 4 && socket.endpoints.local.port == 4242 && socket.endpoints.remote.port == 0);
  CHECK(socket.bytes_acked == cwg::kAbsent && socket.last_ack_recv_ms == cwg::kAbsent);
  CHECK(socket.cookie == 0x0123456789abcdef);

  CHECK(Parse(row + row + row).rows == 3);
  CHECK(Parse(row, nullptr, 1u << 1).rows == 0);
  CHECK(Parse(Message(SOCK_DIAG_BY_FAMILY, Socket(255, 1))).rows == 0);
  cwg::PortSet ports;
  ports.set(4243);
  CHECK(Parse(row, &ports).rows == 0);
  ports.set(4242);
  CHECK(Parse(row, &ports).rows == 1);
  CHECK(Parse(Message(SOCK_DIAG_BY_FAMILY, Socket(8, 1), 0, kSequence + 1)).rows == 0);
  CHECK(Parse(Message(SOCK_DIAG_BY_FAMILY, Socket(8, 1), NLM_F_DUMP_INTR)).message.interrupted);
}

void Endings() {
  CHECK(Parse(Message(NLMSG_DONE, int{-ENOMEM})).message.error == ENOMEM);
  CHECK(Parse(Message(NLMSG_ERROR, int{-ENOENT})).message.error == ENOENT);
  CHECK(Parse(Message(NLMSG_ERROR, int{INT_MIN})).message.error == EBADMSG);
  CHECK(Parse(Message(NLMSG_ERROR, int{0})).message.error == EBADMSG);
  CHECK(Parse(Message(NLMSG_ERROR, char{1})).message.error == EBADMSG);
  CHECK(!Parse(Message(NLMSG_DONE, int{0}, 0, kSequence + 1)).message.done);
  CHECK(Parse(Message(SOCK_DIAG_BY_FAMILY, int{0})).message.error == EBADMSG);
  CHECK(!Parse({}).message.done);
}

void Truncated() {
  const Bytes whole = Message(SOCK_DIAG_BY_FAMILY, Socket(8, 4242));
  for (std::size_t length = 0; length < whole.size(); length++) {
    CHECK(Parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))).rows == 0);
  }
  for (std::uint32_t length : {0u, 1u, 15u, 17u, 0x7fffffffu, 0xfffffffcu, 0xffffffffu}) {
    Bytes lying = whole;
    std::memcpy(lying.data(), &length, sizeof(length));
    CHECK(Parse(lying).message.error == EBADMSG);
  }
}

void Noise() {
  std::mt19937 random(1);  // NOLINT: the same noise in every run
  for (int round = 0; round < 20000; round++) {
    Bytes bytes = Message(SOCK_DIAG_BY_FAMILY, Socket(8, 4242)) + Message(NLMSG_DONE, int{0});
    const std::size_t hits = 1 + random() % 8;
    for (std::size_t i = 0; i < hits; i++) bytes[random() % bytes.size()] = static_cast<unsigned char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const Parsed parsed = Parse(bytes);
    if (parsed.rows > 2) CHECK(!"more rows than messages");
  }
  CHECK(true);
}

}  // namespace

void ParseSuite() {
  Rows();
  Endings();
  Truncated();
  Noise();
}
