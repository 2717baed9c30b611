#include "borrowed_socket.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "file_stat.h"
#include "socket_reader.h"

namespace cwg {
namespace {

// One number on every architecture; the headers of older systems lack them.
constexpr long kPidfdOpen = 434;
constexpr long kPidfdGetfd = 438;

BorrowedSocket Failure(int error) {
  BorrowedSocket socket;
  socket.record.error = error;
  return socket;
}

}  // namespace

SyscallError OpenProcess(int pid, UniqueFd* process) {
  *process = UniqueFd(static_cast<int>(syscall(kPidfdOpen, pid, 0)));
  return *process ? SyscallError{} : SyscallError{"pidfd_open", errno};
}

BorrowedSocket ReadBorrowed(const UniqueFd& process, int fd, std::uint64_t inode) {
  // The kernel sets O_CLOEXEC on it.
  const UniqueFd duplicate(static_cast<int>(syscall(kPidfdGetfd, process.get(), fd, 0)));
  if (!duplicate) return Failure(errno);
  FileStat file;
  if (int error = StatFd(duplicate.get(), &file)) return Failure(error);
  if (!file.is_socket || file.inode != inode) return Failure(EBADF);
  BorrowedSocket socket;
  socket.record = ReadSocket(duplicate.get());
  if (socket.record.error == 0) socket.endpoints = ReadEndpoints(duplicate.get());
  return socket;
}

}  // namespace cwg
