// cookie_set against std::set, the registry from several threads at once, and what kernel_check and file_stat say here.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "../../../native/cookie_set.h"
#include "../../../native/linux/file_stat.h"
#include "../../../native/linux/half_close_watch.h"
#include "../../../native/linux/kernel_check.h"
#include "../../../native/linux/socket_reader.h"
#include "../../../native/watch_registry.h"
#include "check.h"
#include "suites.h"

namespace {

void SetAgreesWithStdSet() {
  cwg::CookieSet set;
  CHECK(!set.Has(1) && !set.Has(0) && !set.Add(0));
  set.Remove(1);
  std::set<std::uint64_t> model;
  std::mt19937_64 random(1);
  bool agrees = true;
  for (int step = 0; step < 200000; step++) {
    // Few values, so that most removals hit; now and then one with the highest bit.
    const std::uint64_t cookie = (1 + random() % 600) | (random() % 50 == 0 ? cwg::kInodeIdentity : 0);
    if (random() % 2 == 0) {
      agrees = agrees && set.Add(cookie);
      model.insert(cookie);
    } else {
      set.Remove(cookie);
      model.erase(cookie);
    }
    const std::uint64_t asked = 1 + random() % 600;
    agrees = agrees && set.Has(asked) == (model.count(asked) != 0) && set.size() == model.size();
  }
  CHECK(agrees);
  set.Clear();
  CHECK(set.size() == 0 && !set.Has(*model.begin()));
}

bool IsWatched(std::uint64_t cookie) {
  std::uint8_t watched = 9;
  const std::size_t count = cwg::FindWatched(&cookie, 1, &watched);
  return CHECK(count == watched) && watched == 1;
}

void WatchesAreFound() {
  check::Listener listener(16);
  check::Connection connection(listener);
  std::uint64_t cookie = 0;
  {
    auto first = std::make_unique<cwg::HalfCloseWatch>();
    cwg::HalfCloseWatch second, never_opened;
    CHECK(!first->Open() && !second.Open());
    CHECK(second.Add(connection.server.get(), false, &cookie) == 0 && IsWatched(cookie));
    CHECK(first->Add(connection.server.get(), false, &cookie) == 0);
    second.Forget(cookie);
    CHECK(IsWatched(cookie));
    first->Close();
    CHECK(!IsWatched(cookie));
    CHECK(second.Add(connection.server.get(), false, &cookie) == 0);
    first.reset();
    CHECK(IsWatched(cookie));
  }
  CHECK(!IsWatched(cookie) && !IsWatched(0));
}

void Threads() {
  check::Listener listener(16);
  check::Connection connection(listener);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] {
      while (!stop) {
        cwg::HalfCloseWatch watch;
        std::uint64_t cookie = 0;
        if (watch.Open() || watch.Add(connection.server.get(), false, &cookie) != 0) continue;
        std::uint8_t watched = 0;
        if (cwg::FindWatched(&cookie, 1, &watched) != 1) std::abort();
        watch.Forget(cookie);
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::uint64_t cookie = 0;
  CHECK(cwg::IdentifyTcp(connection.server.get(), &cookie) == 0 && !IsWatched(cookie));
}

void Check() {
  const cwg::KernelCheck check = cwg::CheckKernel();
  CHECK(check.socket == 0 && check.identity == 0 && check.cookie == 0 && check.tcp_info == 0 && check.queues == 0);
}

void Stats() {
  check::Listener listener(1);
  cwg::FileStat file;
  struct stat expected = {};
  CHECK(fstat(listener.fd.get(), &expected) == 0 && cwg::StatFd(listener.fd.get(), &file) == 0);
  CHECK(file.is_socket && file.inode == expected.st_ino);
  CHECK(stat("/proc/self/exe", &expected) == 0 && cwg::StatPath("/proc/self/exe", &file) == 0);
  CHECK(!file.is_socket && file.inode == expected.st_ino && file.size == static_cast<std::uint64_t>(expected.st_size));
  CHECK(cwg::StatFd(-1, &file) == EBADF && cwg::StatPath("/nowhere", &file) == ENOENT);
}

void PolledStates() {
  check::Listener listener(16);
  check::Connection open(listener), leaving(listener), reset(listener), both(listener);
  cwg::UniqueFd fresh(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(cwg::StateFromPoll(listener.fd.get()) == cwg::kTcpListen);
  CHECK(cwg::StateFromPoll(fresh.get()) == cwg::kTcpUnknown);
  CHECK(cwg::StateFromPoll(open.server.get()) == cwg::kTcpEstablished);
  leaving.SendFin();
  reset.SendReset();
  both.SendFin();
  CHECK(check::Until([&] { return cwg::StateFromPoll(leaving.server.get()) == cwg::kTcpCloseWait; }));
  CHECK(check::Until([&] { return cwg::StateFromPoll(reset.server.get()) == cwg::kTcpClose; }));
  CHECK(check::Until([&] { return cwg::StateFromPoll(both.server.get()) == cwg::kTcpCloseWait; }));
  CHECK(shutdown(both.server.get(), SHUT_WR) == 0);
  const int ended = cwg::StateFromPoll(both.server.get());
  // LAST_ACK until the peer's ACK is in, CLOSE after it.
  CHECK(ended == cwg::kTcpLastAck || ended == cwg::kTcpClose);
}

}  // namespace

void RegistrySuite() {
  SetAgreesWithStdSet();
  WatchesAreFound();
  Threads();
  Check();
  Stats();
  PolledStates();
}
