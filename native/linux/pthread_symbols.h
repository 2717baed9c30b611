#ifndef CLOSE_WAIT_GUARD_LINUX_PTHREAD_SYMBOLS_H_
#define CLOSE_WAIT_GUARD_LINUX_PTHREAD_SYMBOLS_H_

#include <pthread.h>

// glibc 2.34 took libpthread in and gave these a second version, which a linker chooses. The first is still there, and
// is the only one that older systems have. (Functions of a thread's start: nptl/pthread_create.c, nptl/pthread_join.c.)
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 34)
#if defined(__x86_64__)
__asm__(".symver pthread_create, pthread_create@GLIBC_2.2.5");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver pthread_create, pthread_create@GLIBC_2.17");
__asm__(".symver pthread_join, pthread_join@GLIBC_2.17");
#endif
#endif
#endif

#endif  // CLOSE_WAIT_GUARD_LINUX_PTHREAD_SYMBOLS_H_
