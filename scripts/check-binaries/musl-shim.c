/*
 * What Debian's libstdc++ and libgcc ask of glibc that musl does not have, and one function that the Node.js below asks of a newer
 * libstdc++: so that a Node.js built for Alpine runs here, on musl's own libc. Of no use for anything else. See musl-node.mjs.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ctype.h>
#include <sys/random.h>
#include <stdint.h>
/* What is asked. */
char __libc_single_threaded = 0;
size_t __strftime_l(char *s, size_t n, const char *f, const struct tm *t, void *l) { (void)l; return strftime(s, n, f, t); }
uint32_t arc4random(void) { uint32_t v = 0; getrandom(&v, sizeof v, 0); return v; }
int __cxa_thread_atexit_impl(void (*f)(void *), void *o, void *d) { (void)f; (void)o; (void)d; return 0; }
/* libstdc++ looks into a locale as glibc lays it out; its first part, all null, is the C locale to musl. */
struct fake { void *zero[13]; const unsigned short *b; const int *lower; const int *upper; const char *names[13]; };
static unsigned short table[384]; static int lower[384], upper[384];
static struct fake c_locale;
static void fill(void) {
  if (c_locale.b) return;
  for (int c = -128; c < 256; c++) {
    int i = c + 128; unsigned short m = 0; int a = c >= 0 && c < 128;
    if (a) {
      if (isupper(c)) m |= 1 << 8; if (islower(c)) m |= 1 << 9; if (isalpha(c)) m |= 1 << 10; if (isdigit(c)) m |= 1 << 11;
      if (isxdigit(c)) m |= 1 << 12; if (isspace(c)) m |= 1 << 13; if (isprint(c)) m |= 1 << 14; if (isgraph(c)) m |= 1 << 15;
      if (isblank(c)) m |= 1 << 0; if (iscntrl(c)) m |= 1 << 1; if (ispunct(c)) m |= 1 << 2; if (isalnum(c)) m |= 1 << 3;
    }
    table[i] = m; lower[i] = a ? tolower(c) : c; upper[i] = a ? toupper(c) : c;
  }
  for (int i = 0; i < 13; i++) c_locale.names[i] = "C";
  c_locale.lower = lower + 128; c_locale.upper = upper + 128; c_locale.b = table + 128;
}
void *__newlocale(int m, const char *n, void *b) { (void)m; (void)n; (void)b; fill(); return &c_locale; }
void *__duplocale(void *l) { return l; }
void __freelocale(void *l) { (void)l; }
void *__uselocale(void *l) { (void)l; fill(); return &c_locale; }
/* struct dl_find_object of glibc 2.35: where the unwinder finds the tables of a program counter. */
struct found { unsigned long long flags; void *start, *end; struct link_map *map; void *eh; unsigned long long reserved[7]; };
struct ask { uintptr_t pc; struct found *out; int ok; };
static int each(struct dl_phdr_info *i, size_t n, void *p) {
  (void)n; struct ask *q = p; uintptr_t lo = 0, hi = 0; void *eh = 0;
  for (int k = 0; k < i->dlpi_phnum; k++) {
    const ElfW(Phdr) *h = &i->dlpi_phdr[k]; uintptr_t a = i->dlpi_addr + h->p_vaddr;
    if (h->p_type == PT_LOAD && q->pc >= a && q->pc < a + h->p_memsz) { lo = a; hi = a + h->p_memsz; }
    if (h->p_type == PT_GNU_EH_FRAME) eh = (void *)a;
  }
  if (!lo || !eh) return 0;
  memset(q->out, 0, sizeof *q->out); q->out->start = (void *)lo; q->out->end = (void *)hi; q->out->eh = eh; q->ok = 1; return 1;
}
int _dl_find_object(void *pc, struct found *out) { struct ask q = { (uintptr_t)pc, out, 0 }; dl_iterate_phdr(each, &q); return q.ok ? 0 : -1; }
int __cpu_indicator_init(void) { return 0; }
struct { unsigned v, t, s, f[1]; } __cpu_model;
/* std::string::_M_replace_cold(char*, size_t, const char*, size_t, size_t) of libstdc++ 13. */
void _ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE15_M_replace_coldEPcmPKcmm(void *self, char *p, size_t n1, const char *s, size_t n2, size_t rest) {
  (void)self;
  if (n2 && n2 <= n1) memmove(p, s, n2);
  if (rest && n1 != n2) memmove(p + n2, p + n1, rest);
  if (n2 > n1) {
    if (s + n2 <= p + n1) memmove(p, s, n2);
    else if (s >= p + n1) memcpy(p, p + (s - p) + (n2 - n1), n2);
    else { size_t left = (p + n1) - s; memmove(p, s, left); memcpy(p + left, p + n2, n2 - left); }
  }
}
