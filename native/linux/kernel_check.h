#ifndef CLOSE_WAIT_GUARD_LINUX_KERNEL_CHECK_H_
#define CLOSE_WAIT_GUARD_LINUX_KERNEL_CHECK_H_

namespace cwg {

// What the kernel, or a sandbox around the process, refuses of a new TCP socket: 0 or an errno each.
struct KernelCheck {
  int socket = 0;    // socket(2); where it fails nothing else is known, and everything else is 0
  int identity = 0;  // SO_COOKIE and the inode both fail, or two sockets have the same cookie (EEXIST)
  int cookie = 0;    // SO_COOKIE fails: the inode identifies
  int tcp_info =
      0;           // TCP_INFO fails or says nothing: poll(2) tells the state; EMSGSIZE: it ends before the byte counts
  int queues = 0;  // SIOCINQ or SIOCOUTQ fails
  int peer_name = 0;  // SO_PEERNAME fails: the peer of a socket that was reset is not known
};

KernelCheck CheckKernel();

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_KERNEL_CHECK_H_
