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

// Writes the connected TCP sockets, LISTEN excluded, among the fd numbers [from, to) until `capacity` is reached.
// Returns how many there were.
std::size_t ListTcpFds(int from, int to, std::int32_t* fds, std::uint64_t* cookies, std::size_t capacity);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_FD_TABLE_H_
