#include "inode_index.h"

#include <algorithm>
#include <new>

namespace cwg {

bool InodeIndex::Build(const double* inodes, std::size_t count) {
  size_ = 0;
  entries_.reset(new (std::nothrow) Entry[count]);
  if (!entries_) return false;
  for (std::size_t row = 0; row < count; row++) {
    if (inodes[row] != 0) entries_[size_++] = {inodes[row], row};
  }
  std::sort(entries_.get(), entries_.get() + size_, [](const Entry& one, const Entry& other) {
    return one.inode != other.inode ? one.inode < other.inode : one.row < other.row;
  });
  return true;
}

std::size_t InodeIndex::FirstOf(double inode) const {
  const Entry* const begin = entries_.get();
  const auto smaller = [](const Entry& entry, double wanted) { return entry.inode < wanted; };
  return static_cast<std::size_t>(std::lower_bound(begin, begin + size_, inode, smaller) - begin);
}

}  // namespace cwg
