#ifndef CLOSE_WAIT_GUARD_UNIQUE_FD_H_
#define CLOSE_WAIT_GUARD_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace cwg {

// Owns one file descriptor. close(2) is never retried: Linux has freed the number even when it reports EINTR, and a
// second close would hit whatever another thread has opened there since.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    const int old = std::exchange(fd_, fd);
    if (old >= 0) close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_UNIQUE_FD_H_
