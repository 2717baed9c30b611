/*
 * Stands before libc (LD_PRELOAD) and fails the n-th call of one function that the addon makes, as SQLite's tests fail the n-th
 * malloc(3). Only calls of the addon count: the return address tells them from Node's own.
 *
 * The file that the environment variable NTH_CALL_CONTROL names is mapped and holds a struct Control. The program under test
 * writes to that file and reads it again, so one process plays thousands of cells. See calls.mjs for the other end.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/sockios.h>

struct Control {
  int32_t armed;
  int32_t nth;     /* counted from 1 */
  int32_t error;   /* an errno; 0: the call succeeds and tells less than it should */
  int32_t goes_on; /* every later call fails too */
  int32_t older;   /* a kernel that refuses what newer ones have: see is_refused_by_an_older_kernel() */
  int32_t seen;    /* calls of the armed function since it was armed */
  int32_t failed;  /* how many of them failed */
  int32_t loaded;  /* the addon was found */
  char call[32];
};

static struct Control nobody;
static struct Control *control = &nobody;
static uintptr_t addon_begins, addon_ends;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("NTH_CALL_CONTROL");
  int fd = path == NULL ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof(struct Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) control = mapped;
  syscall(SYS_close, fd);
}

static int find_addon(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size, (void)data;
  const char *name = strrchr(object->dlpi_name, '/');
  if (name == NULL || strcmp(name, "/close_wait_guard.node") != 0) return 0;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0) continue;
    addon_begins = object->dlpi_addr + part->p_vaddr;
    addon_ends = addon_begins + part->p_memsz;
  }
  return 1;
}

static int is_from_addon(void *return_address) {
  if (addon_ends == 0 && dl_iterate_phdr(find_addon, NULL) == 0) return 0;
  control->loaded = 1;
  return (uintptr_t)return_address >= addon_begins && (uintptr_t)return_address < addon_ends;
}

/* Whether this call is to fail; `*error` then says how. */
static int fails(const char *call, void *return_address, int *error) {
  if (!control->armed || strcmp(control->call, call) != 0 || !is_from_addon(return_address)) return 0;
  const int count = ++control->seen;
  if (count < control->nth || (count > control->nth && !control->goes_on)) return 0;
  control->failed++;
  *error = control->error;
  return 1;
}

/* What newer kernels have and older or stricter ones do not, so that what the addon does instead can be failed too. */
static int is_old(void *return_address) { return control->older && is_from_addon(return_address); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define HERE __builtin_return_address(0)

/* The usual call: -1 and an errno, and where it succeeds all the same `telling_less` is returned. */
#define FAIL_OR(call, telling_less)                         \
  do {                                                      \
    int error_;                                             \
    if (fails(call, HERE, &error_)) {                       \
      if (error_ == 0) return telling_less;                 \
      return errno = error_, -1;                            \
    }                                                       \
  } while (0)

static const char *option_name(int level, int option) {
  if (level == IPPROTO_TCP) return option == TCP_INFO ? "TCP_INFO" : "getsockopt";
  switch (option) {
    case SO_COOKIE:
      return "SO_COOKIE";
    case SO_PROTOCOL:
      return "SO_PROTOCOL";
    case SO_TYPE:
      return "SO_TYPE";
    case SO_ACCEPTCONN:
      return "SO_ACCEPTCONN";
    case SO_PEERNAME:
      return "SO_PEERNAME";
    default:
      return "getsockopt";
  }
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length) {
  const char *name = option_name(level, option);
  FAIL_OR(name, (*length = 0));
  if (is_old(HERE) && (strcmp(name, "TCP_INFO") == 0 || strcmp(name, "SO_COOKIE") == 0)) return errno = ENOPROTOOPT, -1;
  return REAL(getsockopt)(fd, level, option, value, length);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
  FAIL_OR("setsockopt", 0);
  return REAL(setsockopt)(fd, level, option, value, length);
}

int getsockname(int fd, struct sockaddr *name, socklen_t *length) {
  FAIL_OR("getsockname", (*length = 0));
  return REAL(getsockname)(fd, name, length);
}

int getpeername(int fd, struct sockaddr *name, socklen_t *length) {
  FAIL_OR("getpeername", (*length = 0));
  return REAL(getpeername)(fd, name, length);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  FAIL_OR(request == SIOCINQ ? "SIOCINQ" : request == SIOCOUTQ ? "SIOCOUTQ" : "ioctl", 0);
  return REAL(ioctl)(fd, request, argument);
}

int epoll_create1(int flags) {
  FAIL_OR("epoll_create1", -1);
  return REAL(epoll_create1)(flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  FAIL_OR("epoll_ctl", 0);
  return REAL(epoll_ctl)(epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int room, int timeout) {
  int error;
  if (fails("epoll_wait", HERE, &error)) {
    /* Then the number is no epoll set any more: something else has closed it. */
    if (error == EBADF || error == EINVAL) REAL(close)(epoll);
    return error == 0 ? 0 : (errno = error, -1);
  }
  return REAL(epoll_wait)(epoll, events, room, timeout);
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
  FAIL_OR("poll", 0);
  return REAL(poll)(fds, count, timeout);
}

int socket(int family, int type, int protocol) {
  FAIL_OR(family == AF_NETLINK ? "socket(AF_NETLINK)" : "socket", -1);
  return REAL(socket)(family, type, protocol);
}

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
  FAIL_OR("sendto", 0);
  return REAL(sendto)(fd, bytes, size, flags, to, length);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
  FAIL_OR("send", REAL(send)(fd, bytes, size > 1 ? size / 2 : size, flags));
  return REAL(send)(fd, bytes, size, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  int error;
  if (!fails("recvmsg", HERE, &error)) return REAL(recvmsg)(fd, message, flags);
  if (error != 0) return errno = error, -1;
  /* A datagram that was longer than the room for it. */
  const ssize_t received = REAL(recvmsg)(fd, message, flags);
  message->msg_flags |= MSG_TRUNC;
  return received;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  FAIL_OR("write", REAL(write)(fd, bytes, size > 1 ? size / 2 : size));
  return REAL(write)(fd, bytes, size);
}

ssize_t read(int fd, void *bytes, size_t size) {
  FAIL_OR("read", 0);
  return REAL(read)(fd, bytes, size);
}

int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  FAIL_OR("open", -1);
  return REAL(open64)(path, flags, mode);
}

/* Where close(2) reports an error, the number is free all the same. */
int close(int fd) {
  int error;
  const int fails_now = fails("close", HERE, &error);
  const int result = REAL(close)(fd);
  return fails_now && error != 0 ? (errno = error, -1) : result;
}

DIR *opendir(const char *path) {
  int error;
  if (fails("opendir", HERE, &error)) return errno = error, NULL;
  return REAL(opendir)(path);
}

struct dirent64 *readdir64(DIR *directory) {
  int error;
  if (fails("readdir", HERE, &error)) return errno = error, NULL;
  return REAL(readdir64)(directory);
}

int closedir(DIR *directory) {
  int error;
  const int fails_now = fails("closedir", HERE, &error);
  const int result = REAL(closedir)(directory);
  return fails_now ? (errno = error, -1) : result;
}

int getrlimit64(__rlimit_resource_t resource, struct rlimit64 *limit) {
  FAIL_OR("getrlimit", -1);
  return REAL(getrlimit64)(resource, limit);
}

off64_t lseek64(int fd, off64_t offset, int whence) {
  FAIL_OR("lseek", -1);
  return REAL(lseek64)(fd, offset, whence);
}

ssize_t readlinkat(int folder, const char *path, char *link, size_t size) {
  FAIL_OR("readlinkat", 0);
  return REAL(readlinkat)(folder, path, link, size);
}

ssize_t getxattr(const char *path, const char *name, void *value, size_t size) {
  FAIL_OR("getxattr", 0);
  return REAL(getxattr)(path, name, value, size);
}

int setns(int fd, int kind) {
  FAIL_OR("setns", -1);
  return REAL(setns)(fd, kind);
}

int shutdown(int fd, int how) {
  FAIL_OR("shutdown", 0);
  return REAL(shutdown)(fd, how);
}

long sysconf(int name) {
  FAIL_OR("sysconf", -1);
  return REAL(sysconf)(name);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  int error;
  if (fails("pthread_create", HERE, &error)) return error;
  return REAL(pthread_create)(thread, attributes, start, argument);
}

int isatty(int fd) {
  int error;
  if (fails("isatty", HERE, &error)) return errno = error, 0;
  return REAL(isatty)(fd);
}

const char *inet_ntop(int family, const void *address, char *text, socklen_t size) {
  int error;
  if (fails("inet_ntop", HERE, &error)) return errno = error, NULL;
  return ((const char *(*)(int, const void *, char *, socklen_t))dlsym(RTLD_NEXT, "inet_ntop"))(family, address, text,
                                                                                                size);
}

long syscall(long number, ...) {
  va_list arguments;
  long a[6];
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(arguments, long);
  va_end(arguments);
  const char *name = number == SYS_newfstatat ? "newfstatat" : number == SYS_pwritev2 ? "pwritev2" : "syscall";
  if (number == SYS_pwritev2) {
    struct iovec *part = (struct iovec *)a[1];
    if (is_old(HERE)) return errno = EOPNOTSUPP, -1;
    /* A short write is what a pipe with little room makes of it. */
    int error;
    if (fails(name, HERE, &error)) {
      if (error != 0) return errno = error, -1;
      if (part->iov_len > 1) part->iov_len /= 2;
    }
  } else {
    FAIL_OR(name, -1);
  }
  const long result = REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  /* Before Linux 6.2 the size of /proc/self/fd is 0. */
  if (number == SYS_newfstatat && is_old(HERE) && ((const char *)a[1])[0] == '/') ((struct stat *)a[2])->st_size = 0;
  return result;
}

extern void *__libc_calloc(size_t count, size_t size);

void *calloc(size_t count, size_t size) {
  int error;
  if (fails("calloc", HERE, &error)) return errno = error, NULL;
  return __libc_calloc(count, size);
}

/* operator new(std::size_t, const std::nothrow_t&) and its form for arrays. */
static void *new_or_null(size_t size, void *return_address) {
  int error;
  return fails("new", return_address, &error) ? NULL : malloc(size);
}
void *_ZnwmRKSt9nothrow_t(size_t size, void *nothrow) { return (void)nothrow, new_or_null(size, HERE); }
void *_ZnamRKSt9nothrow_t(size_t size, void *nothrow) { return (void)nothrow, new_or_null(size, HERE); }
