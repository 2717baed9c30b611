/*
 * Becomes the first process of a container and then another program: `enter ROOT WAYS PROGRAM ARGUMENT…`, in new namespaces of
 * mounts and processes. WAYS is a word of letters: r the root is read-only, u the user is 65532 without privileges, n a seccomp filter
 * refuses netlink, p there is no /proc. Linked statically: ROOT has no library of its own to offer.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void must(int result, const char *what) {
  if (result == 0) return;
  perror(what);
  exit(2);
}

/* socket(AF_NETLINK, …) is EPERM, as a profile with that rule has it. */
static void refuse_netlink(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  const char *root = arguments[1], *ways = arguments[2];
  must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
  must(mount(root, root, NULL, MS_BIND, NULL), "bind");
  must(chdir(root), "chdir");
  if (!strchr(ways, 'p')) must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
  if (strchr(ways, 'r')) must(mount(NULL, root, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), "read-only");
  must(chroot(root), "chroot");
  must(chdir("/app"), "chdir /app");
  must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
  if (strchr(ways, 'n')) refuse_netlink();
  if (strchr(ways, 'u')) {
    must(setgroups(0, NULL), "setgroups");
    must(setgid(65532), "setgid");
    must(setuid(65532), "setuid");
  }
  char *environment[] = {"PATH=/usr/bin", "HOME=/", NULL};
  execve(arguments[3], arguments + 3, environment);
  perror(arguments[3]);
  return 2;
}
