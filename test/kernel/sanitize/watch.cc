// half_close_watch with many sockets, odd ones, and none left.
#include <fcntl.h>
#include <sys/epoll.h>

#include <cerrno>
#include <memory>
#include <set>
#include <vector>

#include "../../../native/linux/half_close_watch.h"
#include "check.h"
#include "suites.h"

namespace {

struct Drained {
  cwg::SyscallError error;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> events;
};

Drained Drain(cwg::HalfCloseWatch& watch, std::size_t capacity) {
  Drained drained;
  auto cookies = std::make_unique<std::uint64_t[]>(capacity);
  auto events = std::make_unique<std::uint32_t[]>(capacity);
  std::size_t count = capacity;
  drained.error = watch.Drain(cookies.get(), events.get(), capacity, &count);
  for (std::size_t i = 0; i < count; i++) drained.events.emplace_back(cookies[i], events[i]);
  return drained;
}

void BadFds() {
  cwg::HalfCloseWatch watch;
  std::uint64_t cookie = 1;
  CHECK(watch.Add(0, false, &cookie) != 0);
  CHECK(Drain(watch, 4).error.number == EBADF);
  CHECK(!watch.Open());
  cwg::UniqueFd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  cwg::UniqueFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(watch.Add(-1, false, &cookie) == EBADF && cookie == 0);
  CHECK(watch.Add(udp.get(), false, &cookie) == EPROTONOSUPPORT && cookie == 0);
  CHECK(watch.Add(file.get(), false, &cookie) == ENOTSOCK && cookie == 0);
  CHECK(Drain(watch, 4).events.empty());
  watch.Close();
  watch.Close();
  CHECK(watch.is_closed());
}

void HalfClosesAndResets() {
  check::Listener listener(16);
  check::Connection leaving(listener), reset(listener), closed(listener);
  cwg::HalfCloseWatch watch;
  CHECK(!watch.Open());
  std::uint64_t leaving_cookie = 0, reset_cookie = 0, closed_cookie = 0, again = 0;
  CHECK(watch.Add(leaving.server.get(), false, &leaving_cookie) == 0 && leaving_cookie != 0);
  CHECK(watch.Add(leaving.server.get(), false, &again) == 0 && again == leaving_cookie);
  CHECK(watch.Add(reset.server.get(), false, &reset_cookie) == 0);
  CHECK(watch.Add(closed.server.get(), false, &closed_cookie) == 0);
  check::Must(static_cast<int>(write(leaving.client.get(), "data", 4)), "write");
  CHECK(Drain(watch, 4).events.empty());

  closed.server.reset();
  closed.client.reset();
  leaving.SendFin();
  reset.SendReset();
  std::vector<std::pair<std::uint64_t, std::uint32_t>> seen;
  CHECK(check::Until([&] {
    for (const auto& event : Drain(watch, 4).events) seen.push_back(event);
    return seen.size() >= 2;
  }));
  CHECK(Drain(watch, 4).events.empty());
  for (const auto& [cookie, events] : seen) {
    if (cookie == leaving_cookie) CHECK(events == EPOLLRDHUP);
    if (cookie == reset_cookie) CHECK(events == (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    CHECK(cookie == leaving_cookie || cookie == reset_cookie);
  }
}

void Many() {
  constexpr std::size_t kConnections = 400;
  check::Listener listener(64);
  cwg::HalfCloseWatch watch;
  CHECK(!watch.Open());
  std::vector<check::Connection> connections;
  std::set<std::uint64_t> expected, seen;
  for (std::size_t i = 0; i < kConnections; i++) {
    connections.emplace_back(listener);
    std::uint64_t cookie = 0;
    CHECK(watch.Add(connections.back().server.get(), false, &cookie) == 0);
    expected.insert(cookie);
  }
  CHECK(expected.size() == kConnections);
  for (const auto& connection : connections) connection.SendFin();
  // Capacities below, at and above the 128 events of one epoll_wait(2), and not a divisor of it.
  for (std::size_t capacity : {std::size_t{1}, std::size_t{7}, std::size_t{128}, std::size_t{129}}) {
    const Drained drained = Drain(watch, capacity);
    CHECK(drained.events.size() <= capacity);
    for (const auto& event : drained.events) seen.insert(event.first);
  }
  CHECK(check::Until([&] {
    for (const auto& event : Drain(watch, 1000).events) seen.insert(event.first);
    return seen.size() == kConnections;
  }));
  CHECK(seen == expected);
  for (int round = 0; round < 200; round++) {
    cwg::HalfCloseWatch another;
    CHECK(!another.Open());
    std::uint64_t cookie = 0;
    CHECK(another.Add(connections[0].server.get(), false, &cookie) == 0);
    CHECK(Drain(another, 1).events.size() == 1);  // at once: the FIN came long before the add
  }
}

}  // namespace

void WatchSuite() {
  BadFds();
  HalfClosesAndResets();
  Many();
}
