// socket_reader over everything an fd number can be.
#include "../../../native/socket_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>

#include <atomic>
#include <climits>
#include <cstring>
#include <memory>

#include "../../../native/socket_record.h"
#include "check.h"
#include "suites.h"

namespace {

constexpr int kMptcp = 262;

struct Row {
  // Exact-size heap blocks: a write past the record is an AddressSanitizer report.
  std::unique_ptr<double[]> values = std::make_unique<double[]>(cwg::kRecordColumns);
  std::uint64_t cookie = 99;
  bool read = false;

  explicit Row(int fd) { read = cwg::ReadSocket(fd, values.get(), &cookie); }
  double operator[](cwg::RecordColumn column) const { return values[column]; }
};

bool IsFailure(const Row& row, int error) {
  bool absent = true;
  for (std::size_t i = cwg::kState; i < cwg::kRecordColumns; i++) absent = absent && row.values[i] == cwg::kAbsent;
  return !row.read && row[cwg::kErrno] == error && row.cookie == 0 && absent;
}

void ExpectNotTcp(int fd, int error) {
  CHECK(IsFailure(Row(fd), error));
  auto packed = std::make_unique<std::uint8_t[]>(cwg::kEndpointBytes);
  std::memset(packed.get(), 0xff, cwg::kEndpointBytes);
  CHECK(!cwg::ReadEndpoints(fd, packed.get()));
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
      {AF_INET, SOCK_DGRAM, 0},
      {AF_UNIX, SOCK_STREAM, 0},
      {AF_UNIX, SOCK_DGRAM, 0},
      {AF_NETLINK, SOCK_RAW, NETLINK_XFRM},  // 6, the number of IPPROTO_TCP
      {AF_INET, SOCK_STREAM, kMptcp},
      {AF_INET, SOCK_RAW, IPPROTO_TCP},
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
  CHECK(check::Until([&] { return Row(listener.fd.get())[cwg::kAcceptQueue] == 3; }));
  const Row row(listener.fd.get());
  CHECK(row.read && row[cwg::kState] == cwg::kTcpListen && row[cwg::kBacklog] == 7);
  CHECK(row[cwg::kUnreadBytes] == -1 && row[cwg::kUnsentBytes] == -1 && row[cwg::kBytesReceived] == -1);
  std::uint8_t packed[cwg::kEndpointBytes];
  CHECK(cwg::ReadEndpoints(listener.fd.get(), packed));
  CHECK(packed[cwg::kEndpointLocalPort] + packed[cwg::kEndpointLocalPort + 1] * 256 == listener.port());
  CHECK(packed[cwg::kEndpointRemotePort] == 0 && packed[cwg::kEndpointRemotePort + 1] == 0);
}

void Connections() {
  check::Listener listener(16);
  check::Connection connection(listener);
  const int fd = connection.server.get();
  CHECK(Row(fd)[cwg::kState] == 1);
  check::Must(static_cast<int>(write(connection.client.get(), "hello", 5)), "write");
  CHECK(check::Until([&] { return Row(fd)[cwg::kUnreadBytes] == 5; }));
  connection.SendFin();
  CHECK(check::Until([&] { return Row(fd)[cwg::kState] == 8; }));
  const Row half_closed(fd);
  CHECK(half_closed[cwg::kUnreadBytes] == 5 && half_closed[cwg::kBytesReceived] == 6);
  CHECK(half_closed[cwg::kAcceptQueue] == -1 && half_closed[cwg::kBacklog] == -1);
  connection.SendReset();
  CHECK(check::Until([&] { return Row(fd)[cwg::kState] == 7; }));
  CHECK(Row(fd).cookie == half_closed.cookie);
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

// One thread opens and closes sockets while another reads the same numbers. A row is a socket or an errno, never both.
void ReusedNumbers() {
  check::Listener listener(64);
  const int first = fcntl(listener.fd.get(), F_DUPFD_CLOEXEC, 200);
  check::Must(first, "F_DUPFD");
  close(first);
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    for (int i = 0; !stop; i++) {
      cwg::UniqueFd fd(socket(i % 2 ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (fd && dup3(fd.get(), first, O_CLOEXEC) == first && i % 3 == 0) close(first);
    }
    close(first);
  });
  bool consistent = true;
  for (int i = 0; i < 20000; i++) {
    const Row row(first);
    consistent = consistent && (row.read ? row.cookie != 0 && row[cwg::kErrno] == 0
                                         : IsFailure(row, static_cast<int>(row[cwg::kErrno])) && row[cwg::kErrno] > 0);
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
