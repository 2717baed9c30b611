#include "net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "pthread_symbols.h"

namespace cwg {
namespace {

struct Errand {
  const UniqueFd& target;
  int domain;
  int type;
  int protocol;
  UniqueFd made;
  SyscallError error;
};

void* Run(void* argument) {
  auto* errand = static_cast<Errand*>(argument);
  if (setns(errand->target.get(), CLONE_NEWNET) != 0) {
    errand->error = {"setns", errno};
    return nullptr;
  }
  errand->made = UniqueFd(socket(errand->domain, errand->type, errand->protocol));
  if (!errand->made) errand->error = {"socket", errno};
  return nullptr;
}

}  // namespace

SyscallError SocketInNamespaceOf(int pid, int domain, int type, int protocol, UniqueFd* result) {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
  const UniqueFd target(RetryOnEintr([&] { return open(path, O_RDONLY | O_CLOEXEC); }));
  if (!target) return {"open", errno};
  Errand errand = {target, domain, type, protocol, UniqueFd(), SyscallError()};
  pthread_t thread = {};
  if (int error = pthread_create(&thread, nullptr, Run, &errand)) return {"pthread_create", error};
  if (int error = pthread_join(thread, nullptr)) return {"pthread_join", error};
  *result = std::move(errand.made);
  return errand.error;
}

}  // namespace cwg
