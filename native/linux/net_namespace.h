#ifndef CLOSE_WAIT_GUARD_LINUX_NET_NAMESPACE_H_
#define CLOSE_WAIT_GUARD_LINUX_NET_NAMESPACE_H_

#include "../syscall.h"
#include "../unique_fd.h"

namespace cwg {

// socket(2) in the network namespace of another process: a socket stays in the one that it was made in. A thread of its
// own enters the namespace (setns(2)), makes the socket and ends; no other thread leaves its namespace for a moment.
// EPERM without CAP_SYS_ADMIN there and here.
SyscallError SocketInNamespaceOf(int pid, int domain, int type, int protocol, UniqueFd* result);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_NET_NAMESPACE_H_
