#ifndef CLOSE_WAIT_GUARD_LINUX_SOCK_DIAG_H_
#define CLOSE_WAIT_GUARD_LINUX_SOCK_DIAG_H_

#include <cstddef>

#include "../syscall.h"
#include "dump_message.h"

namespace cwg {

// Hands every TCP socket of a network namespace that `request` asks for to `take`, and sets `rows` to their number:
// sock_diag(7). For the own namespace no privilege is needed, for another see net_namespace.h.
SyscallError DumpSockets(const DumpRequest& request, const TakeSocket& take, std::size_t* rows);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_SOCK_DIAG_H_
