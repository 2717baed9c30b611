// socket_reader over everything an fd number can be.
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

#include "../../../native/layout.h"
#include "../../../native/linux/endpoints.h"
#include "../../../native/linux/socket_reader.h"
#include "check.h"
#include "suites.h"

namespace {

constexpr int kMptcp = 262;

// As ../../../native/socket_methods.cc writes it. Exact-size heap blocks: a write past one is an AddressSanitizer
// report.
std::unique_ptr<double[]> RowOf(const cwg::SocketRecord& record) {
  auto row = std::make_unique<double[]>(std::size(cwg::kRecordColumns));
  cwg::WriteRow(cwg::kRecordColumns, record, row.get());
  return row;
}

std::unique_ptr<std::uint8_t[]> Pack(const cwg::Endpoints& endpoints) {
  auto packed = std::make_unique<std::uint8_t[]>(cwg::kEndpointBytes);
  std::memset(packed.get(), 0xff, cwg::kEndpointBytes);
  cwg::PackEndpoints(endpoints, packed.get());
  return packed;
}

bool IsFailure(const cwg::SocketRecord& record, std::int64_t error) {
  const auto row = RowOf(record);
  bool absent = true;
  for (std::size_t i = 1; i < std::size(cwg::kRecordColumns); i++) absent = absent && row[i] == -1;
  return record.error == error && row[0] == static_cast<double>(error) && record.cookie == 0 && absent;
}

void ExpectNotTcp(int fd, int error) {
  CHECK(IsFailure(cwg::ReadSocket(fd), error));
  const cwg::Endpoints endpoints = cwg::ReadEndpoints(fd);
  CHECK(endpoints.family == 0);
  const auto packed = Pack(endpoints);
  for (std::size_t i = 0; i < cwg::kEndpointBytes; i++) CHECK(packed[i] == 0);
}

void BadFds() {
  for (int fd : {-1, INT_MIN, INT_MAX, 1 << 20}) ExpectNotTcp(fd, EBADF);
  int pipes[2];
  check::Must(pipe2(pipes, O_CLOEXEC), "pipe2");
  cwg::UniqueFd reader(pipes[0]), writer(pipes[1]);
  ExpectNotTcp(reader.get(), ENOTSOCK);
  ExpectNotTcp(cwg::UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)).get(), ENOTSOCK);
  const int closed = reader.get();
  reader.reset();
  ExpectNotTcp(closed, EBADF);
  const struct {
    int family, type, protocol;
  } others[] = {
      {AF_INET, SOCK_DGRAM, 0},       {AF_UNIX, SOCK_STREAM, 0},
      {AF_UNIX, SOCK_DGRAM, 0},       {AF_NETLINK, SOCK_RAW, NETLINK_XFRM},  // 6, the number of IPPROTO_TCP
      {AF_INET, SOCK_STREAM, kMptcp}, {AF_INET, SOCK_RAW, IPPROTO_TCP},
  };
  for (const auto& other : others) {
    cwg::UniqueFd fd(socket(other.family, other.type | SOCK_CLOEXEC, other.protocol));
    if (fd) ExpectNotTcp(fd.get(), EPROTONOSUPPORT);  // raw sockets need CAP_NET_RAW, MPTCP and XFRM a kernel with them
  }
}

void Listeners() {
  check::Listener listener(7);
  cwg::UniqueFd waiting[3];
  for (cwg::UniqueFd& client : waiting) client = listener.Connect();
  CHECK(check::Until([&] { return cwg::ReadSocket(listener.fd.get()).accept_queue == 3; }));
  const cwg::SocketRecord record = cwg::ReadSocket(listener.fd.get());
  CHECK(record.error == 0 && record.state == cwg::kTcpListen && record.backlog == 7);
  CHECK(record.unread_bytes == -1 && record.unsent_bytes == -1 && record.bytes_received == -1);
  const cwg::Endpoints endpoints = cwg::ReadEndpoints(listener.fd.get());
  CHECK(endpoints.family == 4 && endpoints.local.port == listener.port() && endpoints.remote.port == 0);
  const auto packed = Pack(endpoints);
  CHECK(packed[cwg::kLocalPortOffset] + packed[cwg::kLocalPortOffset + 1] * 256 == listener.port());
}

void Connections() {
  check::Listener listener(16);
  check::Connection connection(listener);
  const int fd = connection.server.get();
  CHECK(cwg::ReadSocket(fd).state == 1);
  check::Must(static_cast<int>(write(connection.client.get(), "hello", 5)), "write");
  CHECK(check::Until([&] { return cwg::ReadSocket(fd).unread_bytes == 5; }));
  connection.SendFin();
  CHECK(check::Until([&] { return cwg::ReadSocket(fd).state == 8; }));
  const cwg::SocketRecord half_closed = cwg::ReadSocket(fd);
  CHECK(half_closed.unread_bytes == 5 && half_closed.bytes_received == 6);
  CHECK(half_closed.accept_queue == -1 && half_closed.backlog == -1);
  connection.SendReset();
  CHECK(check::Until([&] { return cwg::ReadSocket(fd).state == 7; }));
  CHECK(cwg::ReadSocket(fd).cookie == half_closed.cookie);
  connection.server.reset();
  ExpectNotTcp(fd, EBADF);
}

void Addresses() {
  std::uint8_t address[cwg::kAddressBytes] = {127, 0, 0, 1};
  char text[INET6_ADDRSTRLEN];
  CHECK(cwg::FormatAddress(address, 4, text, sizeof(text)) && std::strcmp(text, "127.0.0.1") == 0);
  std::memset(address, 0xff, sizeof(address));
  CHECK(cwg::FormatAddress(address, 6, text, sizeof(text)));
  CHECK(std::strlen(text) == 39);
  CHECK(!cwg::FormatAddress(address, 6, text, 2));
}

// One thread opens and closes sockets while another reads the same numbers. A record is a socket or an errno, never
// both.
void ReusedNumbers() {
  check::Listener listener(64);
  const int first = fcntl(listener.fd.get(), F_DUPFD_CLOEXEC, 200);
  check::Must(first, "F_DUPFD");
  close(first);
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    for (int i = 0; !stop; i++) {
      cwg::UniqueFd fd(socket(i % 2 != 0 ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (fd && dup3(fd.get(), first, O_CLOEXEC) == first && i % 3 == 0) close(first);
    }
    close(first);
  });
  bool consistent = true;
  for (int i = 0; i < 20000; i++) {
    const cwg::SocketRecord record = cwg::ReadSocket(first);
    consistent = consistent && (record.error == 0 ? record.cookie != 0 && record.state != cwg::kAbsent
                                                  : record.error > 0 && IsFailure(record, record.error));
  }
  stop = true;
  churn.join();
  CHECK(consistent);
}

}  // namespace

void ReaderSuite() {
  BadFds();
  Listeners();
  Connections();
  Addresses();
  ReusedNumbers();
}
