#ifndef CLOSE_WAIT_GUARD_COOKIE_SET_H_
#define CLOSE_WAIT_GUARD_COOKIE_SET_H_

#include <cstddef>
#include <cstdint>

namespace cwg {

// A set of cookies (never 0): open addressing with linear probing. std::unordered_set would take four times the memory,
// throw where there is none left, and need newer symbols of libstdc++ than Node itself does.
class CookieSet {
 public:
  CookieSet() = default;
  ~CookieSet() { Clear(); }
  CookieSet(const CookieSet&) = delete;
  CookieSet& operator=(const CookieSet&) = delete;

  // False where there is no memory for it.
  bool Add(std::uint64_t cookie);
  void Remove(std::uint64_t cookie);
  bool Has(std::uint64_t cookie) const;
  void Clear();
  std::size_t size() const { return size_; }

 private:
  // The slot that holds the cookie, or the free one where it would go.
  std::size_t SlotOf(std::uint64_t cookie) const;
  std::size_t HomeOf(std::uint64_t cookie) const;
  bool Grow();

  std::uint64_t* slots_ = nullptr;  // 0 is a free slot
  std::size_t capacity_ = 0;        // a power of two, more than the half of it free
  std::size_t size_ = 0;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_COOKIE_SET_H_
