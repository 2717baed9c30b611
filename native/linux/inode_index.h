#ifndef CLOSE_WAIT_GUARD_LINUX_INODE_INDEX_H_
#define CLOSE_WAIT_GUARD_LINUX_INODE_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace cwg {

// Finds rows by their inodes, of which several rows may have one.
class InodeIndex {
 public:
  // Of `count` rows those whose inode is not 0. False where there is no memory for it.
  bool Build(const double* inodes, std::size_t count);

  // Calls `take` with each row that has the inode. False where none has.
  template <typename Take>
  bool ForEach(double inode, Take take) const {
    const std::size_t first = FirstOf(inode);
    for (std::size_t i = first; i < size_ && entries_[i].inode == inode; i++) take(entries_[i].row);
    return first < size_ && entries_[first].inode == inode;
  }

 private:
  struct Entry {
    double inode;
    std::size_t row;
  };

  // The first entry whose inode is not smaller.
  std::size_t FirstOf(double inode) const;

  std::unique_ptr<Entry[]> entries_;
  std::size_t size_ = 0;
};

}  // namespace cwg

#endif  // CLOSE_WAIT_GUARD_LINUX_INODE_INDEX_H_
