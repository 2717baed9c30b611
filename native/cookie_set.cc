#include "cookie_set.h"

#include <cstdlib>

namespace cwg {
namespace {

constexpr std::size_t kSmallest = 64;

}  // namespace

std::size_t CookieSet::HomeOf(std::uint64_t cookie) const {
  // Fibonacci hashing: cookies are consecutive numbers.
  return static_cast<std::size_t>(cookie * 0x9e3779b97f4a7c15u >> 32) & (capacity_ - 1);
}

std::size_t CookieSet::SlotOf(std::uint64_t cookie) const {
  std::size_t slot = HomeOf(cookie);
  while (slots_[slot] != 0 && slots_[slot] != cookie) slot = (slot + 1) & (capacity_ - 1);
  return slot;
}

bool CookieSet::Has(std::uint64_t cookie) const { return size_ > 0 && cookie != 0 && slots_[SlotOf(cookie)] == cookie; }

bool CookieSet::Add(std::uint64_t cookie) {
  if (cookie == 0) return false;
  if (size_ * 2 >= capacity_ && !Grow()) return false;
  std::uint64_t& slot = slots_[SlotOf(cookie)];
  if (slot == 0) size_++;
  slot = cookie;
  return true;
}

bool CookieSet::Grow() {
  const std::size_t capacity = capacity_ == 0 ? kSmallest : capacity_ * 2;
  auto* slots = static_cast<std::uint64_t*>(std::calloc(capacity, sizeof(std::uint64_t)));
  if (slots == nullptr) return false;
  std::uint64_t* const old_slots = slots_;
  const std::size_t old_capacity = capacity_;
  slots_ = slots;
  capacity_ = capacity;
  for (std::size_t i = 0; i < old_capacity; i++) {
    if (old_slots[i] != 0) slots_[SlotOf(old_slots[i])] = old_slots[i];
  }
  std::free(old_slots);
  return true;
}

void CookieSet::Remove(std::uint64_t cookie) {
  if (!Has(cookie)) return;
  const std::size_t mask = capacity_ - 1;
  std::size_t gap = SlotOf(cookie);
  // A probe stops at a free slot, so whatever was pushed past this one moves up.
  for (std::size_t next = (gap + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    const std::size_t distance_of_next = (next - HomeOf(slots_[next])) & mask;
    const std::size_t distance_to_gap = (next - gap) & mask;
    if (distance_of_next < distance_to_gap) continue;
    slots_[gap] = slots_[next];
    gap = next;
  }
  slots_[gap] = 0;
  size_--;
}

void CookieSet::Clear() {
  std::free(slots_);
  slots_ = nullptr;
  capacity_ = size_ = 0;
}

}  // namespace cwg
