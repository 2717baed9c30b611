#ifndef CLOSE_WAIT_GUARD_WATCH_REGISTRY_H_
#define CLOSE_WAIT_GUARD_WATCH_REGISTRY_H_

#include <cstddef>
#include <cstdint>

#include "cookie_set.h"

namespace cwg {

// The sockets on one half-close watch. All such lists of the process are in one registry, behind one mutex. A thread
// asks it whether the guard of another thread has a socket for which it has no JavaScript object itself. JavaScript has
// no state that threads share, and the kernel tells the members of an epoll set only as text (/proc/PID/fdinfo), at 2
// µs a member.
//
// This is the addon's only state outside its environments. Closing a watch empties its list. The list leaves the
// registry when the watch is destroyed, by the garbage collector or at the end of its environment.
class WatchedCookies {
 public:
  WatchedCookies();
  ~WatchedCookies();
  WatchedCookies(const WatchedCookies&) = delete;
  WatchedCookies& operator=(const WatchedCookies&) = delete;

  void Add(std::uint64_t cookie);
  void Remove(std::uint64_t cookie);
  void Clear();

 private:
  friend bool IsWatchedHere(std::uint64_t cookie);
  CookieSet cookies_;
  WatchedCookies* previous_ = nullptr;
  WatchedCookies* next_ = nullptr;
};

// Whether a watch that this copy of the addon has opened, in any thread, holds the socket.
bool IsWatchedHere(std::uint64_t cookie);

// Sets watched[i] to 1 where a watch of this process holds cookies[i], else to 0. It also asks other copies of the
// addon (another file, such as another version's), which have registries of their own. Returns how many are watched.
std::size_t FindWatched(const std::uint64_t* cookies, std::size_t count, std::uint8_t* watched);

}  // namespace cwg

// What copies of the addon ask each other. Its name and type never change: a copy may be of any version.
extern "C" __attribute__((visibility("default"))) int close_wait_guard_watches(std::uint64_t cookie);

#endif  // CLOSE_WAIT_GUARD_WATCH_REGISTRY_H_
