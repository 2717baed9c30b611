#ifndef CLOSE_WAIT_GUARD_LINUX_FD_TABLE_H_
#define CLOSE_WAIT_GUARD_LINUX_FD_TABLE_H_

#include <cstddef>
#include <cstdint>

namespace cwg {

inline constexpr std::int64_t kNoFdLimit = INT64_MAX;

struct FdUsage {
  std::int64_t open;        // -1 where /proc is not mounted
  std::int64_t soft_limit;  // RLIMIT_NOFILE, kNoFdLimit where it is unlimited
};

// An upper bound of the open fd numbers: FDSize of /proc/self/status, else min(RLIMIT_NOFILE, 65536).
int FdTableSize();

// FDSize of another process: an upper bound of its fd numbers, -1 where it cannot be read.
int FdTableSizeOf(int pid);

FdUsage ReadFdUsage();

// How many fds are open, where the kernel tells it at once (Linux 6.2 and later): 6 µs. Else -1.
std::int64_t CountOpenFdsAtOnce();

// Numbers of the fd table that need not be visited: bytes that are not 0.
struct FdMarks {
  const std::uint8_t* marks;
  std::size_t length;

  bool Has(int fd) const { return static_cast<std::size_t>(fd) < length && marks[fd] != 0; }
};

struct FdStep {
  std::size_t found;
  int next;  // where the next step begins, -1 at the end of the table
};

// Visits the numbers from `from` on that are not known, as many as the arrays are long, and writes the connected TCP
// sockets among them, LISTEN excluded. Numbers that are not open are passed over, where /proc is mounted.
FdStep VisitUnknownTcpFds(int from, const FdMarks& known, std::int32_t* fds, std::uint64_t* cookies,
                          std::size_t capacity);

// Writes the connected TCP sockets, LISTEN excluded, among the fd numbers [from, to) until `capacity` is reached.
// Returns how many there were.
std::size_t ListTcpFds(int from, int to, std::int32_t* fds, std::uint64_t* cookies, std::size_t capacity);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_FD_TABLE_H_
