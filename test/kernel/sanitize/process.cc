// What is read of another process: its fds, its network namespace, and sockets borrowed from it.
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../../../native/linux/borrowed_socket.h"
#include "../../../native/linux/file_stat.h"
#include "../../../native/linux/inode_index.h"
#include "../../../native/linux/net_namespace.h"
#include "../../../native/linux/process_fds.h"
#include "../../../native/linux/sock_diag.h"
#include "../../../native/linux/socket_reader.h"
#include "check.h"
#include "suites.h"

namespace {

cwg::ProcessFd Parse(const std::string& link) {
  // An exact-size heap block: a read past it is an AddressSanitizer report.
  auto exact = std::make_unique<char[]>(link.size());
  std::copy(link.begin(), link.end(), exact.get());
  return cwg::ParseFdLink(exact.get(), link.size());
}

void Links() {
  CHECK(Parse("socket:[4711]").kind == cwg::FdKind::kSocket && Parse("socket:[4711]").inode == 4711);
  CHECK(Parse("pipe:[1]").kind == cwg::FdKind::kPipe && Parse("pipe:[1]").inode == 1);
  CHECK(Parse("anon_inode:[eventpoll]").kind == cwg::FdKind::kEpoll);
  CHECK(Parse("anon_inode:inotify").kind == cwg::FdKind::kInotify);
  CHECK(Parse("/memfd:x (deleted)").kind == cwg::FdKind::kMemory);
  CHECK(Parse("/dev/null").kind == cwg::FdKind::kDevice);
  CHECK(Parse("/").kind == cwg::FdKind::kFile);
  const std::string hostile[] = {
      "", "s", "socket:[", "socket:[]", "socket:[-1]", "socket:[99999999999999999999]", "anon_inode:[something new]"};
  for (const std::string& link : hostile) CHECK(Parse(link).kind == cwg::FdKind::kOther && Parse(link).inode == 0);
}

struct Listed {
  std::mutex mutex;
  std::map<int, cwg::ProcessFd> fds;
  std::size_t rows = 0;
  cwg::SyscallError error;

  explicit Listed(int pid) {
    cwg::FdSearch search(pid, [this](std::size_t, const cwg::ProcessFd& fd) {
      const std::lock_guard<std::mutex> lock(mutex);
      CHECK(fds.emplace(fd.fd, fd).second);
    });
    error = search.Start();
    if (!error) error = search.Finish(&rows);
  }
};

// Few fds, which are read from the directory, and many, which several threads try one by one.
void Fds() {
  for (int more : {0, 600}) {
    std::vector<cwg::UniqueFd> others;
    others.reserve(static_cast<std::size_t>(more));
    for (int i = 0; i < more; i++) others.emplace_back(dup(0));
    const cwg::UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
    const cwg::UniqueFd event(eventfd(0, EFD_CLOEXEC));
    check::Listener listener(1);
    Listed listed(getpid());
    CHECK(!listed.error && listed.rows == listed.fds.size());
    CHECK(listed.rows >= static_cast<std::size_t>(more) + 3);
    CHECK(listed.fds[epoll.get()].kind == cwg::FdKind::kEpoll && listed.fds[event.get()].kind == cwg::FdKind::kEvent);
    cwg::FileStat file;
    CHECK(cwg::StatFd(listener.fd.get(), &file) == 0);
    CHECK(listed.fds[listener.fd.get()].kind == cwg::FdKind::kSocket);
    CHECK(listed.fds[listener.fd.get()].inode == file.inode);
    for (const cwg::UniqueFd& other : others) CHECK(listed.fds.count(other.get()) == 1);
  }
  CHECK(Listed(0x7fffffff).error.number == ENOENT);
  // Started, and never finished: its threads end with it.
  std::vector<cwg::UniqueFd> many;
  many.reserve(600);
  for (int i = 0; i < 600; i++) many.emplace_back(dup(0));
  cwg::FdSearch abandoned(getpid(), [](std::size_t, const cwg::ProcessFd&) {});
  CHECK(!abandoned.Start());
}

void Protocols() {
  check::Listener listener(1);
  const cwg::UniqueFd udp(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const cwg::UniqueFd tcp6(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto of = [](int fd) { return cwg::ProtocolOf(getpid(), fd); };
  CHECK(of(listener.fd.get()) == cwg::SocketProtocol::kTcp);
  if (tcp6) CHECK(of(tcp6.get()) == cwg::SocketProtocol::kTcp);
  CHECK(of(udp.get()) == cwg::SocketProtocol::kOther);
  CHECK(of(0x7fffffff) == cwg::SocketProtocol::kUnknown);
}

// A child that has all that this process has but one fd, and waits until it is killed.
struct Child {
  pid_t pid = fork();
  explicit Child(int without) {
    if (pid == 0) close(without);
    while (pid == 0) pause();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child() {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
};

void Borrowing() {
  check::Listener listener(1);
  check::Connection connection(listener);
  cwg::FileStat file;
  CHECK(cwg::StatFd(connection.server.get(), &file) == 0);
  const int fd = connection.server.get();
  std::uint64_t cookie = 0;
  CHECK(cwg::IdentifyTcp(fd, &cookie) == 0);
  const Child child(connection.client.get());
  connection.server.reset();
  connection.SendReset();
  cwg::UniqueFd process;
  const cwg::SyscallError error = cwg::OpenProcess(child.pid, &process);
  // Kernels before 5.6, sandboxes and valgrind have no pidfd_open(2) or pidfd_getfd(2).
  CHECK(!error || error.number == ENOSYS);
  if (error || cwg::ReadBorrowed(process, fd, file.inode).record.error == EPERM) return;
  CHECK(check::Until([&] { return cwg::ReadBorrowed(process, fd, file.inode).record.state == cwg::kTcpClose; }));
  const cwg::BorrowedSocket socket = cwg::ReadBorrowed(process, fd, file.inode);
  CHECK(socket.record.error == 0 && socket.record.cookie == cookie);
  CHECK(socket.endpoints.family == 4 && socket.endpoints.local.port == listener.port());
  CHECK(cwg::ReadBorrowed(process, fd, file.inode + 1).record.error == EBADF);
  CHECK(cwg::ReadBorrowed(process, 0x7ffffffe, file.inode).record.error == EBADF);
  CHECK(cwg::OpenProcess(0x7ffffffe, &process).number == ESRCH && !process);
}

// The child is in a namespace of its own, so a dump there finds its listener and not ours.
void Namespaces() {
  int ready[2] = {};
  check::Must(pipe(ready), "pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    char answer = unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    const check::Listener listener(1);
    if (write(ready[1], &answer, 1) != 1) _exit(1);
    for (;;) pause();
  }
  char answer = 'n';
  CHECK(read(ready[0], &answer, 1) == 1);
  close(ready[0]);
  close(ready[1]);
  const check::Listener here(1);
  const auto ports = [&](int namespace_of, std::vector<std::int64_t>* found) {
    cwg::DumpRequest request;
    request.state_mask = 1u << cwg::kTcpListen;
    request.namespace_of = namespace_of;
    std::size_t rows = 0;
    return cwg::DumpSockets(
        request, [found](std::size_t, const cwg::DumpedSocket& socket) { found->push_back(socket.local_port); }, &rows);
  };
  std::vector<std::int64_t> own, other;
  CHECK(!ports(0, &own) && std::count(own.begin(), own.end(), here.port()) == 1);
  if (answer == 'y') {
    const cwg::SyscallError error = ports(pid, &other);
    CHECK(error ? error.number == EPERM : other.size() == 1);
    // This thread has not moved.
    own.clear();
    CHECK(!ports(0, &own) && std::count(own.begin(), own.end(), here.port()) == 1);
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  CHECK(ports(0x7ffffffe, &other).number == ENOENT);
}

void Inodes() {
  const double inodes[] = {7, 0, 3, 7, 0, 9};
  cwg::InodeIndex index;
  CHECK(!index.ForEach(7, [](std::size_t) {}));
  CHECK(index.Build(inodes, 6));
  const auto rows = [&index](double inode) {
    std::vector<std::size_t> found;
    CHECK(index.ForEach(inode, [&found](std::size_t row) { found.push_back(row); }) == !found.empty());
    return found;
  };
  CHECK((rows(7) == std::vector<std::size_t>{0, 3}));
  CHECK((rows(3) == std::vector<std::size_t>{2}));
  CHECK(rows(0).empty() && rows(1).empty() && rows(10).empty());
  CHECK(index.Build(nullptr, 0) && rows(7).empty());
}

}  // namespace

void ProcessSuite() {
  Links();
  Fds();
  Protocols();
  Borrowing();
  Namespaces();
  Inodes();
}
