#ifndef CLOSE_WAIT_GUARD_LINUX_FILE_STAT_H_
#define CLOSE_WAIT_GUARD_LINUX_FILE_STAT_H_

#include <cstdint>

namespace cwg {

struct FileStat {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  bool is_socket = false;
};

// stat(2) and fstat(2) by their system calls. glibc made functions of them in 2.33 (they were macros before), so a
// binary that calls stat() and was built on a newer system does not load on an older one. Returns 0 or an errno.
int StatPath(const char* path, FileStat* result);
int StatFd(int fd, FileStat* result);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_FILE_STAT_H_
