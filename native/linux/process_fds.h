#ifndef CLOSE_WAIT_GUARD_LINUX_PROCESS_FDS_H_
#define CLOSE_WAIT_GUARD_LINUX_PROCESS_FDS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "../syscall.h"
#include "../unique_fd.h"
#include "pthread_symbols.h"

namespace cwg {

// What a file descriptor is, as its link in /proc/PID/fd tells it (proc_pid_fd(5)).
enum class FdKind : std::uint8_t {
  kOther,
  kSocket,
  kPipe,
  kFile,
  kDevice,
  kEpoll,
  kEvent,
  kTimer,
  kSignal,
  kInotify,
  kIoUring,
  kMemory,
  kProcess,
};

struct ProcessFd {
  int fd = -1;
  FdKind kind = FdKind::kOther;
  std::uint64_t inode = 0;  // of a socket or a pipe
};

// Takes the text of such a link apart. Tests feed it what no kernel writes.
ProcessFd ParseFdLink(const char* link, std::size_t length);

// Several threads call it at once, each with rows of its own.
using TakeFd = std::function<void(std::size_t row, const ProcessFd& fd)>;

// Lists the open fds of a process. An fd that is opened or closed meanwhile may be left out. It reads links and nothing
// else: the process does not notice.
//
// A link costs some 3 µs, and nothing tells many at once. So a process with many fds is read by several threads, which
// run between Start() and Finish(): the caller has something else to read meanwhile.
class FdSearch {
 public:
  FdSearch(int pid, TakeFd take) : pid_(pid), take_(std::move(take)) {}
  ~FdSearch() { Join(); }
  FdSearch(const FdSearch&) = delete;
  FdSearch& operator=(const FdSearch&) = delete;

  // EACCES for another user's process, without CAP_SYS_PTRACE; ENOENT where there is none. Finish() may then not
  // follow.
  SyscallError Start();
  // Sets `rows` to the number of fds. Their order is any.
  SyscallError Finish(std::size_t* rows);

 private:
  static constexpr int kMostHelpers = 3;

  static void* Help(void* search);
  void Join();
  // Tries one number after the other. Only where most numbers below `bound_` are open.
  void Probe(int folder);
  SyscallError ReadDirectory();
  bool TakeLink(int folder, int number, const char* name);

  const int pid_;
  const TakeFd take_;
  UniqueFd folder_;
  int bound_ = 0;  // no fd has this number or a higher one; 0: read the directory instead
  std::int64_t expected_ = 0;
  std::atomic<int> next_{0};  // the first number that nobody has tried
  std::atomic<std::size_t> found_{0};
  pthread_t helpers_[kMostHelpers] = {};
  int helping_ = 0;
};

enum class SocketProtocol { kUnknown, kTcp, kOther };

// The protocol of a socket of another process, without touching it: the attribute system.sockprotoname, which
// net/socket.c keeps for lsof. Unknown where the fd is closed, or the kernel has no such attribute.
SocketProtocol ProtocolOf(int pid, int fd);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_PROCESS_FDS_H_
