#ifndef CLOSE_WAIT_GUARD_LINUX_WRITE_NOW_H_
#define CLOSE_WAIT_GUARD_LINUX_WRITE_NOW_H_

#include <cstddef>
#include <cstdint>

namespace cwg {

// Writes as much as a pipe, socket, terminal or other character device takes at once, even if it is blocking, and
// leaves its O_NONBLOCK alone: the flag belongs to the open file description, which other processes share (stderr).
// Returns the bytes written or minus an errno; -EAGAIN when not one byte could go. No signal is raised.
int WriteNow(int fd, const std::uint8_t* data, std::size_t size);

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_WRITE_NOW_H_
