#include "fd_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>

#include "../syscall.h"
#include "../unique_fd.h"
#include "file_stat.h"
#include "socket_reader.h"

namespace cwg {
namespace {

// Within a struct linux_dirent64.
constexpr long kLengthOffset = 16;
constexpr long kNameOffset = 19;

constexpr int kFallbackTableSize = 65536;

// Past this many numbers a walk first asks how large the table is: a caller's 2^31 must not become 2^31 system calls.
constexpr int kUncheckedWalk = 65536;

std::int64_t SoftLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kFallbackTableSize;
  return limit.rlim_cur < static_cast<rlim_t>(kNoFdLimit) ? static_cast<std::int64_t>(limit.rlim_cur) : kNoFdLimit;
}

// FDSize stands within the first lines of /proc/PID/status, before anything of variable length but the name.
int ReadFdSize(const char* path) {
  UniqueFd status(RetryOnEintr([path] { return open(path, O_RDONLY | O_CLOEXEC); }));
  if (!status) return -1;
  char text[2048];
  const ssize_t length = RetryOnEintr([&] { return read(status.get(), text, sizeof(text) - 1); });
  if (length <= 0) return -1;
  text[length] = '\0';
  const char* line = std::strstr(text, "\nFDSize:");
  if (line == nullptr) return -1;
  // Not strtol(): newer headers make of it a function that older systems do not have.
  long size = 0;
  for (const char* at = line + std::strlen("\nFDSize:"); *at != '\n' && *at != '\0' && size <= INT_MAX / 10; at++) {
    if (*at >= '0' && *at <= '9') size = size * 10 + (*at - '0');
  }
  return size > 0 && size <= INT_MAX ? static_cast<int>(size) : -1;
}

// The first open number from `fd` on; -1 where there is none, and `fd` itself where /proc does not tell. The entries of
// /proc/self/fd stand in the order of the numbers, at their number and 2 (proc_readfd_common()).
int NextOpenFd(int fd) {
  UniqueFd directory(RetryOnEintr([] { return open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!directory || lseek(directory.get(), static_cast<off_t>(fd) + 2, SEEK_SET) < 0) return fd;
  // Room for two: the directory's own number is not to be taken for one of the process's.
  char entries[64];
  for (;;) {
    const long length = syscall(SYS_getdents64, directory.get(), entries, sizeof(entries));
    if (length < 0) return fd;
    if (length == 0) return -1;
    for (long at = 0; at < length;) {
      // struct linux_dirent64, see getdents64(2).
      const char* name = entries + at + kNameOffset;
      int number = 0;
      for (const char* digit = name; *digit >= '0' && *digit <= '9'; digit++) number = number * 10 + *digit - '0';
      if (name[0] != '.' && number != directory.get() && number >= fd) return number;
      std::uint16_t entry_bytes = 0;
      std::memcpy(&entry_bytes, entries + at + kLengthOffset, sizeof(entry_bytes));
      at += entry_bytes;
    }
  }
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

std::int64_t CountOpenFds(std::int64_t soft_limit) {
  // Linux 6.2 and later tell the number of open fds as the size of the directory; reading it costs 0.8 µs an entry.
  FileStat fds;
  if (StatPath("/proc/self/fd", &fds) != 0) return -1;
  if (fds.size > 0) return static_cast<std::int64_t>(fds.size);
  std::unique_ptr<DIR, CloseDirectory> directory(opendir("/proc/self/fd"));
  // No number left even for this directory: every one below the limit is taken.
  if (!directory) return errno == EMFILE ? soft_limit : -1;
  std::int64_t open = 0;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] != '.') open++;
  }
  return open - 1;  // without the directory's own
}

}  // namespace

int FdTableSize() {
  const int size = ReadFdSize("/proc/self/status");
  if (size > 0) return size;
  return static_cast<int>(std::min<std::int64_t>(SoftLimit(), kFallbackTableSize));
}

int FdTableSizeOf(int pid) {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/%d/status", pid);
  return ReadFdSize(path);
}

FdUsage ReadFdUsage() {
  const std::int64_t soft_limit = SoftLimit();
  return {CountOpenFds(soft_limit), soft_limit};
}

std::int64_t CountOpenFdsAtOnce() {
  FileStat fds;
  return StatPath("/proc/self/fd", &fds) == 0 && fds.size > 0 ? static_cast<std::int64_t>(fds.size) : -1;
}

FdStep VisitUnknownTcpFds(int from, const FdMarks& known, std::int32_t* fds, std::uint64_t* cookies,
                          std::size_t capacity) {
  FdStep step = {0, from};
  const int table_size = FdTableSize();
  for (std::size_t visited = 0; visited < capacity && step.next >= 0 && step.next < table_size; step.next++) {
    if (known.Has(step.next)) continue;
    visited++;
    std::uint64_t cookie = 0;
    const int error = IdentifyTcp(step.next, &cookie);
    // Past the last open one, and in every gap, each number would be a system call.
    if (error == EBADF) {
      const int open = NextOpenFd(step.next);
      if (open != step.next) step.next = open - 1;
      if (open < 0) break;
      continue;
    }
    if (error != 0 || IsListening(step.next)) continue;
    fds[step.found] = step.next;
    cookies[step.found] = cookie;
    step.found++;
  }
  if (step.next < 0 || step.next >= table_size) step.next = -1;
  return step;
}

std::size_t ListTcpFds(int from, int to, std::int32_t* fds, std::uint64_t* cookies, std::size_t capacity) {
  if (to - from > kUncheckedWalk) to = std::min(to, FdTableSize());
  std::size_t found = 0;
  for (int fd = from; fd < to && found < capacity; fd++) {
    std::uint64_t cookie = 0;
    if (IdentifyTcp(fd, &cookie) != 0 || IsListening(fd)) continue;
    fds[found] = fd;
    cookies[found] = cookie;
    found++;
  }
  return found;
}

}  // namespace cwg
