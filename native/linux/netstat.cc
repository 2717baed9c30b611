#include "netstat.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "../syscall.h"
#include "../unique_fd.h"

namespace cwg {
namespace {

// TcpExt stands first, and takes 3.5 kB on Linux 6.18.
constexpr std::size_t kTextBytes = 16384;

constexpr char kGroup[] = "TcpExt:";

std::int64_t Number(const char* digits) {
  std::int64_t number = 0;
  if (*digits < '0' || *digits > '9') return -1;
  for (; *digits >= '0' && *digits <= '9'; digits++) number = number * 10 + (*digits - '0');
  return number;
}

}  // namespace

std::int64_t FindTcpCounter(char* text, const char* name) {
  // Two lines a group: names, and values in the same order.
  char* names = std::strstr(text, kGroup);
  char* values = names == nullptr ? nullptr : std::strstr(names + 1, kGroup);
  if (values == nullptr) return -1;
  values[-1] = '\0';
  char* end_of_values = std::strchr(values, '\n');
  if (end_of_values != nullptr) *end_of_values = '\0';
  char* next_name = nullptr;
  char* next_value = nullptr;
  const char* each = strtok_r(names, " \n", &next_name);
  const char* value = strtok_r(values, " ", &next_value);
  while (each != nullptr && value != nullptr) {
    if (std::strcmp(each, name) == 0) return Number(value);
    each = strtok_r(nullptr, " \n", &next_name);
    value = strtok_r(nullptr, " ", &next_value);
  }
  return -1;
}

std::int64_t ReadTcpCounter(const char* name) {
  UniqueFd file(RetryOnEintr([] { return open("/proc/self/net/netstat", O_RDONLY | O_CLOEXEC); }));
  if (!file) return -1;
  char text[kTextBytes];
  std::size_t length = 0;
  while (length < sizeof(text) - 1) {
    const ssize_t taken = RetryOnEintr([&] { return read(file.get(), text + length, sizeof(text) - 1 - length); });
    if (taken <= 0) break;
    length += static_cast<std::size_t>(taken);
  }
  text[length] = '\0';
  return FindTcpCounter(text, name);
}

}  // namespace cwg
