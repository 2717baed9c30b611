#include "file_stat.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#if !defined(SYS_newfstatat) || !defined(__LP64__)
#include <linux/stat.h>
#endif

namespace cwg {
namespace {

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

// The 64-bit system call where there is one: sandboxes know it longer than statx(2), and libc's struct stat is then the
// kernel's. The others have statx(2), whose struct is the same everywhere.
#if defined(SYS_newfstatat) && defined(__LP64__)
int Stat(int directory, const char* path, int flags, FileStat* result) {
  struct stat status = {};
  if (syscall(SYS_newfstatat, directory, path, &status, flags) != 0) return errno;
  *result = {status.st_ino, static_cast<std::uint64_t>(status.st_size), S_ISSOCK(status.st_mode)};
  return 0;
}
#else
int Stat(int directory, const char* path, int flags, FileStat* result) {
  struct statx status = {};
  if (syscall(SYS_statx, directory, path, flags, STATX_TYPE | STATX_INO | STATX_SIZE, &status) != 0) return errno;
  *result = {status.stx_ino, status.stx_size, S_ISSOCK(status.stx_mode)};
  return 0;
}
#endif

}  // namespace

int StatPath(const char* path, FileStat* result) { return Stat(AT_FDCWD, path, 0, result); }

int StatFd(int fd, FileStat* result) { return Stat(fd, "", AT_EMPTY_PATH, result); }

}  // namespace cwg
