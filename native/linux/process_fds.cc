#include "process_fds.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "../unique_fd.h"
#include "fd_table.h"
#include "file_stat.h"

namespace cwg {
namespace {

// An entry takes 24 to 32 bytes, so that a call returns some thousand of them.
constexpr std::size_t kDirectoryBytes = std::size_t{64} * 1024;

// Where d_reclen and d_name of a struct linux_dirent64 lie (getdents64(2)): libc has no declaration of it.
constexpr std::size_t kLengthOffset = 16;
constexpr std::size_t kNameOffset = 19;

// From this many fds on threads pay for themselves, and each takes so many numbers at once.
constexpr std::int64_t kWorthThreads = 512;
constexpr int kStep = 64;

struct Prefix {
  const char* text;
  FdKind kind;
};

// fs/anon_inodes.c puts some names in brackets and others not; `inotify` was without them before Linux 2.6.38.
constexpr Prefix kPrefixes[] = {
    {"socket:[", FdKind::kSocket},
    {"pipe:[", FdKind::kPipe},
    {"anon_inode:[eventpoll]", FdKind::kEpoll},
    {"anon_inode:[eventfd]", FdKind::kEvent},
    {"anon_inode:[timerfd]", FdKind::kTimer},
    {"anon_inode:[signalfd]", FdKind::kSignal},
    {"anon_inode:inotify", FdKind::kInotify},
    {"anon_inode:[io_uring]", FdKind::kIoUring},
    {"anon_inode:[pidfd]", FdKind::kProcess},
    {"pidfd:[", FdKind::kProcess},
    {"/memfd:", FdKind::kMemory},
    {"/dev/", FdKind::kDevice},
    {"/", FdKind::kFile},
};

// Digits up to something else. A number that is too large for `max`, or none, is -1.
std::int64_t ParseNumber(const char* text, std::size_t length, std::int64_t max) {
  std::int64_t number = -1;
  for (std::size_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++) {
    if (number > (max - 9) / 10) return -1;
    number = (number < 0 ? 0 : number * 10) + (text[i] - '0');
  }
  return number;
}

int OpenFdFolder(int pid) {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/%d/fd", pid);
  return RetryOnEintr([&] { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
}

}  // namespace

ProcessFd ParseFdLink(const char* link, std::size_t length) {
  ProcessFd fd;
  for (const Prefix& prefix : kPrefixes) {
    const std::size_t size = std::strlen(prefix.text);
    if (length < size || std::memcmp(link, prefix.text, size) != 0) continue;
    fd.kind = prefix.kind;
    if (fd.kind != FdKind::kSocket && fd.kind != FdKind::kPipe) return fd;
    const std::int64_t inode = ParseNumber(link + size, length - size, INT64_MAX);
    if (inode < 0) return {};
    fd.inode = static_cast<std::uint64_t>(inode);
    return fd;
  }
  return fd;
}

void* FdSearch::Help(void* search) {
  auto* self = static_cast<FdSearch*>(search);
  // A folder of its own: threads that share an fd wait for each other at every call.
  const UniqueFd folder(OpenFdFolder(self->pid_));
  if (folder) self->Probe(folder.get());
  return nullptr;
}

void FdSearch::Join() {
  while (helping_ > 0) pthread_join(helpers_[--helping_], nullptr);
}

bool FdSearch::TakeLink(int folder, int number, const char* name) {
  char link[64];  // longer only for a file, whose name is not wanted
  const ssize_t length = readlinkat(folder, name, link, sizeof(link));
  if (length < 0) return false;
  ProcessFd fd = ParseFdLink(link, static_cast<std::size_t>(length));
  fd.fd = number;
  take_(found_.fetch_add(1), fd);
  return true;
}

void FdSearch::Probe(int folder) {
  while (static_cast<std::int64_t>(found_.load()) < expected_) {
    const int from = next_.fetch_add(kStep);
    if (from >= bound_) return;
    for (int number = from; number < from + kStep && number < bound_; number++) {
      char name[16];
      std::snprintf(name, sizeof(name), "%d", number);
      TakeLink(folder, number, name);
    }
  }
}

SyscallError FdSearch::ReadDirectory() {
  std::unique_ptr<unsigned char[]> entries(new (std::nothrow) unsigned char[kDirectoryBytes]);
  if (!entries) return {"malloc", ENOMEM};
  for (;;) {
    // Not readdir(3): its struct is another one on 32-bit systems.
    const long read = syscall(SYS_getdents64, folder_.get(), entries.get(), kDirectoryBytes);
    if (read < 0) return {"getdents64", errno};
    if (read == 0) return {};
    const auto end = static_cast<std::size_t>(read);
    std::uint16_t step = 0;
    for (std::size_t at = 0; at + kNameOffset < end; at += step) {
      std::memcpy(&step, entries.get() + at + kLengthOffset, sizeof(step));
      if (step <= kNameOffset || step > end - at) return {"getdents64", EBADMSG};
      const auto* name = reinterpret_cast<const char*>(entries.get() + at + kNameOffset);
      const std::int64_t number = ParseNumber(name, step - kNameOffset, INT_MAX);
      if (number >= 0) TakeLink(folder_.get(), static_cast<int>(number), name);  // not . and ..
    }
  }
}

SyscallError FdSearch::Start() {
  folder_ = UniqueFd(OpenFdFolder(pid_));
  if (!folder_) return {"open", errno};
  FileStat status;
  if (int error = StatFd(folder_.get(), &status)) return {"fstat", error};
  // Linux 6.2 and later tell the number of open fds as the size of the directory.
  expected_ = static_cast<std::int64_t>(status.size);
  const int size = FdTableSizeOf(pid_);
  if (expected_ < kWorthThreads || size > 4 * expected_) return {};
  bound_ = size;
  const long processors = sysconf(_SC_NPROCESSORS_ONLN);
  while (helping_ < kMostHelpers && helping_ + 1 < processors) {
    // Where there can be no thread, this one does it all.
    if (pthread_create(&helpers_[helping_], nullptr, Help, this) != 0) break;
    helping_++;
  }
  return {};
}

SyscallError FdSearch::Finish(std::size_t* rows) {
  SyscallError error;
  if (bound_ > 0) {
    Probe(folder_.get());
  } else {
    error = ReadDirectory();
  }
  Join();
  *rows = found_.load();
  return error;
}

SocketProtocol ProtocolOf(int pid, int fd) {
  char path[48];
  std::snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
  char name[32] = {};
  if (getxattr(path, "system.sockprotoname", name, sizeof(name) - 1) <= 0) return SocketProtocol::kUnknown;
  const bool is_tcp = std::strcmp(name, "TCP") == 0 || std::strcmp(name, "TCPv6") == 0;
  return is_tcp ? SocketProtocol::kTcp : SocketProtocol::kOther;
}

}  // namespace cwg
