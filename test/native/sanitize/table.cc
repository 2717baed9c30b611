// fd_table and real sock_diag dumps, also with no fd left.
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <climits>
#include <memory>
#include <vector>

#include "../../../native/fd_table.h"
#include "../../../native/half_close_watch.h"
#include "../../../native/kernel_check.h"
#include "../../../native/sock_diag.h"
#include "../../../native/socket_reader.h"
#include "../../../native/socket_record.h"
#include "check.h"
#include "suites.h"

namespace {

void Listing() {
  check::Listener listener(16);
  check::Connection connection(listener);
  const double open = cwg::ReadFdUsage().open;
  {
    cwg::UniqueFd extra(dup(0));
    CHECK(cwg::ReadFdUsage().open == open + 1);
  }
  CHECK(cwg::FdTableSize() > connection.server.get());
  for (std::size_t capacity : {std::size_t{1}, std::size_t{2}, std::size_t{8}}) {
    auto fds = std::make_unique<std::int32_t[]>(capacity);
    auto cookies = std::make_unique<std::uint64_t[]>(capacity);
    const std::size_t found = cwg::ListTcpFds(0, INT_MAX, fds.get(), cookies.get(), capacity);
    CHECK(found == (capacity == 1 ? 1u : 2u));  // both ends; the listener is none
    for (std::size_t i = 0; i < found; i++) {
      std::uint64_t cookie = 0;
      CHECK(fds[i] != listener.fd.get() && cwg::IdentifyTcp(fds[i], &cookie) == 0 && cookie == cookies[i]);
    }
  }
  std::int32_t fd = 0;
  std::uint64_t cookie = 0;
  CHECK(cwg::ListTcpFds(0, 0, &fd, &cookie, 1) == 0);
  CHECK(cwg::ListTcpFds(INT_MAX, INT_MAX, &fd, &cookie, 1) == 0);
  CHECK(cwg::ListTcpFds(INT_MAX - 100, INT_MAX, &fd, &cookie, 1) == 0);
}

void Dumps() {
  check::Listener listener(16);
  std::vector<check::Connection> connections;
  for (int i = 0; i < 300; i++) connections.emplace_back(listener);  // more than one datagram
  cwg::PortSet ports;
  ports.set(static_cast<std::size_t>(listener.port()));
  for (std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{301}}) {
    auto values = std::make_unique<double[]>(capacity * cwg::kDumpColumns);
    auto cookies = std::make_unique<std::uint64_t[]>(capacity);
    auto endpoints = std::make_unique<std::uint8_t[]>(capacity * cwg::kEndpointBytes);
    cwg::DumpRows rows;
    rows.endpoints = endpoints.get();
    rows.values = values.get();
    rows.cookies = cookies.get();
    rows.capacity = capacity;
    const cwg::SyscallError error = cwg::DumpSockets(1u << 1 | 1u << cwg::kTcpListen, &ports, &rows);
    CHECK(!error);
    CHECK(rows.matched == 301);
    for (std::size_t i = 0; i < capacity; i++) CHECK(endpoints[i * cwg::kEndpointBytes + cwg::kEndpointFamily] == 4);
  }
}

void NoFdLeft() {
  check::Listener listener(16);
  check::Connection connection(listener);
  rlimit before = {};
  check::Must(getrlimit(RLIMIT_NOFILE, &before), "getrlimit");
  const rlimit low = {64, before.rlim_max};
  check::Must(setrlimit(RLIMIT_NOFILE, &low), "setrlimit");
  const double open = cwg::ReadFdUsage().open;
  std::vector<cwg::UniqueFd> filler;
  for (int fd = dup(0); fd >= 0; fd = dup(0)) filler.emplace_back(fd);
  CHECK(errno == EMFILE);

  cwg::HalfCloseWatch watch;
  const cwg::SyscallError refused = watch.Open();
  CHECK(refused && refused.number == EMFILE && !watch.is_closed());
  const cwg::KernelCheck check = cwg::CheckKernel();
  CHECK(check.socket == EMFILE && check.identity == 0 && check.tcp_info == 0);
  cwg::DumpRows rows;
  CHECK(cwg::DumpSockets(1u << 1, nullptr, &rows).number == EMFILE);
  CHECK(cwg::FdTableSize() == 64);  // no fd to read /proc/self/status with: the limit
  // Counted, not set to the limit: a parent may have left us fds with numbers above it.
  CHECK(cwg::ReadFdUsage().open == open + static_cast<double>(filler.size()));
  CHECK(cwg::ReadFdUsage().soft_limit == 64);
  double record[cwg::kRecordColumns];
  std::uint64_t cookie = 0;
  CHECK(cwg::ReadSocket(connection.server.get(), record, &cookie));

  check::Must(setrlimit(RLIMIT_NOFILE, &before), "setrlimit");
  CHECK(!watch.Open());
}

}  // namespace

void TableSuite() {
  Listing();
  Dumps();
  NoFdLeft();
}
