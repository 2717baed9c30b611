#ifndef CLOSE_WAIT_GUARD_TEST_CHECK_H_
#define CLOSE_WAIT_GUARD_TEST_CHECK_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "../../../native/unique_fd.h"

namespace check {

struct Tally {
  int passed = 0;
  int failed = 0;
};

inline Tally& tally() {
  static Tally all;
  return all;
}

inline bool That(bool holds, const char* what, const char* file, int line) {
  (holds ? tally().passed : tally().failed)++;
  if (!holds) std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  return holds;
}

#define CHECK(condition) check::That((condition), #condition, __FILE__, __LINE__)

// Waits for what the kernel does in its own time (loopback packets are handled in a softirq).
template <typename Condition>
bool Until(Condition condition, std::chrono::seconds at_most = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Set-up that the test cannot go on without.
inline int Must(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(2);
}

struct Listener {
  cwg::UniqueFd fd;
  sockaddr_in address = {};

  explicit Listener(int backlog) : fd(Must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    Must(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length), "bind");
    Must(listen(fd.get(), backlog), "listen");
    Must(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  }

  int port() const { return ntohs(address.sin_port); }

  cwg::UniqueFd Connect() const {
    cwg::UniqueFd client(Must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    Must(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), "connect");
    return client;
  }

  cwg::UniqueFd Accept() const {
    return cwg::UniqueFd(Must(accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
  }
};

struct Connection {
  cwg::UniqueFd client;
  cwg::UniqueFd server;

  explicit Connection(const Listener& listener) : client(listener.Connect()), server(listener.Accept()) {}

  void SendFin() const { Must(shutdown(client.get(), SHUT_WR), "shutdown"); }
  void SendReset() {
    const linger now = {1, 0};
    Must(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
    client.reset();
  }
};

}  // namespace check

#endif  // CLOSE_WAIT_GUARD_TEST_CHECK_H_
