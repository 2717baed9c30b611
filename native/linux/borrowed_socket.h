#ifndef CLOSE_WAIT_GUARD_LINUX_BORROWED_SOCKET_H_
#define CLOSE_WAIT_GUARD_LINUX_BORROWED_SOCKET_H_

#include <cstdint>

#include "../syscall.h"
#include "../unique_fd.h"
#include "endpoints.h"
#include "socket_record.h"

namespace cwg {

// A handle on a process (pidfd_open(2), Linux 5.3): its number can then not become another process's.
SyscallError OpenProcess(int pid, UniqueFd* process);

struct BorrowedSocket {
  SocketRecord record;
  Endpoints endpoints;
};

// Reads a TCP socket that another process has at `fd`: takes a duplicate of the fd (pidfd_getfd(2), Linux 5.6), reads,
// and closes it at once. Nothing is written to it or set on it. If the process closes its fd within these microseconds,
// its FIN goes out when the duplicate is closed.
//
// `record.error` is 0, or an errno: EPERM without the right to trace the process, EBADF where the fd is no longer the
// socket with this inode.
BorrowedSocket ReadBorrowed(const UniqueFd& process, int fd, std::uint64_t inode);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_BORROWED_SOCKET_H_
