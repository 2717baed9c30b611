#include "watch_registry.h"

#include <mutex>

#include "linux/loaded_copies.h"

namespace cwg {
namespace {

struct Registry {
  std::mutex mutex;
  WatchedCookies* first = nullptr;
};

// Never destroyed: worker threads may outlive static destructors.
Registry& TheRegistry() {
  static auto* const registry = new Registry();
  return *registry;
}

using Lock = std::lock_guard<std::mutex>;

}  // namespace

WatchedCookies::WatchedCookies() {
  Registry& registry = TheRegistry();
  const Lock lock(registry.mutex);
  next_ = registry.first;
  if (next_ != nullptr) next_->previous_ = this;
  registry.first = this;
}

WatchedCookies::~WatchedCookies() {
  Registry& registry = TheRegistry();
  const Lock lock(registry.mutex);
  (previous_ != nullptr ? previous_->next_ : registry.first) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

void WatchedCookies::Add(std::uint64_t cookie) {
  const Lock lock(TheRegistry().mutex);
  cookies_.Add(cookie);
}

void WatchedCookies::Remove(std::uint64_t cookie) {
  const Lock lock(TheRegistry().mutex);
  cookies_.Remove(cookie);
}

void WatchedCookies::Clear() {
  const Lock lock(TheRegistry().mutex);
  cookies_.Clear();
}

bool IsWatchedHere(std::uint64_t cookie) {
  Registry& registry = TheRegistry();
  const Lock lock(registry.mutex);
  for (const WatchedCookies* watch = registry.first; watch != nullptr; watch = watch->next_) {
    if (watch->cookies_.Has(cookie)) return true;
  }
  return false;
}

std::size_t FindWatched(const std::uint64_t* cookies, std::size_t count, std::uint8_t* watched) {
  for (std::size_t i = 0; i < count; i++) watched[i] = IsWatchedHere(cookies[i]) ? 1 : 0;
  ForEachFunction("close_wait_guard_watches", [&](void* function) {
    const auto ask = reinterpret_cast<decltype(&close_wait_guard_watches)>(function);
    if (ask == &close_wait_guard_watches) return;
    for (std::size_t i = 0; i < count; i++) {
      if (watched[i] == 0) watched[i] = ask(cookies[i]) != 0 ? 1 : 0;
    }
  });
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i++) found += watched[i];
  return found;
}

}  // namespace cwg

int close_wait_guard_watches(std::uint64_t cookie) { return cwg::IsWatchedHere(cookie) ? 1 : 0; }
