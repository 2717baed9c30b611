// fd_table and real sock_diag dumps, also with no fd left.
#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <set>
#include <vector>

#include "../../../native/linux/fd_table.h"
#include "../../../native/linux/half_close_watch.h"
#include "../../../native/linux/kernel_check.h"
#include "../../../native/linux/sock_diag.h"
#include "../../../native/linux/socket_reader.h"
#include "check.h"
#include "suites.h"

namespace {

void Listing() {
  check::Listener listener(16);
  check::Connection connection(listener);
  const std::int64_t open = cwg::ReadFdUsage().open;
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
  connections.reserve(300);
  for (int i = 0; i < 300; i++) connections.emplace_back(listener);  // more than one datagram
  cwg::PortSet ports;
  ports.set(static_cast<std::size_t>(listener.port()));
  cwg::DumpRequest request;
  request.state_mask = 1u << cwg::kTcpEstablished | 1u << cwg::kTcpListen;
  request.ports = &ports;
  for (bool with_info : {false, true}) {
    request.with_info = with_info;
    std::set<std::uint64_t> cookies;
    std::size_t rows = 0, informed = 0, ordered = 0;
    const auto take = [&](std::size_t row, const cwg::DumpedSocket& socket) {
      if (row == cookies.size()) ordered++;
      if (socket.bytes_acked != cwg::kAbsent) informed++;
      cookies.insert(socket.cookie);
      CHECK(socket.endpoints.family == 4 && socket.endpoints.local.port == listener.port());
    };
    CHECK(!cwg::DumpSockets(request, take, &rows));
    CHECK(rows == 301 && cookies.size() == 301 && ordered == 301);
    CHECK(informed == (with_info ? 301 : 0));
  }
}

void NoFdLeft() {
  check::Listener listener(16);
  check::Connection connection(listener);
  rlimit before = {};
  check::Must(getrlimit(RLIMIT_NOFILE, &before), "getrlimit");
  const rlimit low = {64, before.rlim_max};
  check::Must(setrlimit(RLIMIT_NOFILE, &low), "setrlimit");
  const std::int64_t open = cwg::ReadFdUsage().open;
  std::vector<cwg::UniqueFd> filler;
  for (int fd = dup(0); fd >= 0; fd = dup(0)) filler.emplace_back(fd);
  CHECK(errno == EMFILE);

  cwg::HalfCloseWatch watch;
  const cwg::SyscallError refused = watch.Open();
  CHECK(refused && refused.number == EMFILE && !watch.is_closed());
  const cwg::KernelCheck check = cwg::CheckKernel();
  CHECK(check.socket == EMFILE && check.identity == 0 && check.tcp_info == 0);
  std::size_t rows = 0;
  CHECK(cwg::DumpSockets(
            {}, [](std::size_t, const cwg::DumpedSocket&) {}, &rows)
                .number == EMFILE &&
        rows == 0);
  CHECK(cwg::FdTableSize() == 64);  // no fd to read /proc/self/status with: the limit
  // Counted, not set to the limit: a parent may have left us fds with numbers above it.
  CHECK(cwg::ReadFdUsage().open == open + static_cast<std::int64_t>(filler.size()));
  CHECK(cwg::ReadFdUsage().soft_limit == 64);
  CHECK(cwg::ReadSocket(connection.server.get()).error == 0);

  check::Must(setrlimit(RLIMIT_NOFILE, &before), "setrlimit");
  CHECK(!watch.Open());
}

}  // namespace

void TableSuite() {
  Listing();
  Dumps();
  NoFdLeft();
}
