// What Node's worker threads do at once: each has a watch of its own, all see one fd table and one registry, and
// sockets are closed under every read. For the thread sanitizer; what the other sanitizers find here they would find
// elsewhere.
#include <sys/syscall.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "../../../native/linux/endpoints.h"
#include "../../../native/linux/fd_table.h"
#include "../../../native/linux/half_close_watch.h"
#include "../../../native/linux/sock_diag.h"
#include "../../../native/linux/socket_reader.h"
#include "../../../native/watch_registry.h"
#include "check.h"
#include "suites.h"

namespace {

constexpr std::size_t kRoom = 64;

struct Work {
  const check::Listener& listener;
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
};

// Plain system calls: to the thread sanitizer a number that one thread closes and another asks about is a race, and
// here it is what is tried.
void Churn(Work* work) {
  const long client = syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in& address = work->listener.address;
  if (syscall(SYS_connect, client, &address, sizeof(address)) != 0) std::abort();
  const long server = syscall(SYS_accept4, work->listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC);
  syscall(SYS_shutdown, client, SHUT_WR);
  std::this_thread::yield();
  syscall(SYS_close, server);
  syscall(SYS_close, client);
}

void Watch(Work* work) {
  cwg::HalfCloseWatch watch;
  if (watch.Open()) std::abort();
  std::int32_t fds[kRoom];
  std::uint64_t cookies[kRoom];
  const std::size_t count = cwg::ListTcpFds(0, cwg::FdTableSize(), fds, cookies, kRoom);
  for (std::size_t i = 0; i < count; i++) {
    std::uint64_t cookie = 0;
    // Another thread may have closed it since.
    if (watch.Add(fds[i], false, &cookie) == 0 && !cwg::IsWatchedHere(cookie)) std::abort();
    if (i % 2 == 0) watch.Forget(cookie);
  }
  std::uint32_t events[kRoom];
  std::size_t drained = 0;
  if (watch.Drain(cookies, events, kRoom, &drained)) std::abort();
  std::uint8_t watched[kRoom];
  cwg::FindWatched(cookies, drained, watched);
  (void)work;
}

void Read(Work* work) {
  std::int32_t fds[kRoom];
  std::uint64_t cookies[kRoom];
  const std::size_t count = cwg::ListTcpFds(0, cwg::FdTableSize(), fds, cookies, kRoom);
  for (std::size_t i = 0; i < count; i++) {
    const cwg::SocketRecord record = cwg::ReadSocket(fds[i]);
    if ((record.error == 0) != (record.cookie != 0)) std::abort();
    cwg::ReadEndpoints(fds[i]);
  }
  (void)work;
}

void Dump(Work* work) {
  cwg::DumpRequest request;
  request.state_mask = 1u << cwg::kTcpCloseWait;
  request.family = AF_INET;
  std::size_t rows = 0;
  std::size_t told = 0;
  const auto take = [&told](std::size_t, const cwg::DumpedSocket&) { told++; };
  if (cwg::DumpSockets(request, take, &rows) || told < rows) std::abort();
  (void)work;
}

}  // namespace

void ThreadsSuite() {
  const check::Listener listener(64);
  Work work = {listener};
  std::vector<std::thread> threads;
  for (void (*task)(Work*) : {Churn, Churn, Watch, Watch, Read, Dump}) {
    threads.emplace_back([&work, task] {
      while (!work.stop) {
        task(&work);
        work.rounds++;
      }
    });
  }
  // Valgrind runs one thread at a time, and the machine may be busy with something else.
  const bool enough = check::Until([&] { return work.rounds > 2000; }, std::chrono::seconds(60));
  work.stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(enough || work.rounds > 200);
}
