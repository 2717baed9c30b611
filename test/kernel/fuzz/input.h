// Takes an input of the fuzzer apart. What is left is handed on in a block of exactly its size, so that a read one byte
// past it is an AddressSanitizer report.
#ifndef CLOSE_WAIT_GUARD_TEST_FUZZ_INPUT_H_
#define CLOSE_WAIT_GUARD_TEST_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace fuzz {

struct Exact {
  std::unique_ptr<unsigned char[]> bytes;
  std::size_t length;
};

class Input {
 public:
  Input(const unsigned char* bytes, std::size_t length) : bytes_(bytes), length_(length) {}

  // 0 where the input has ended.
  template <typename Integer>
  Integer Take() {
    Integer value = 0;
    if (length_ < sizeof(value)) return value;
    std::memcpy(&value, bytes_, sizeof(value));
    bytes_ += sizeof(value);
    length_ -= sizeof(value);
    return value;
  }

  Exact Rest() const {
    Exact exact = {std::make_unique<unsigned char[]>(length_), length_};
    if (length_ > 0) std::memcpy(exact.bytes.get(), bytes_, length_);
    return exact;
  }

 private:
  const unsigned char* bytes_;
  std::size_t length_;
};

}  // namespace fuzz

#endif  // CLOSE_WAIT_GUARD_TEST_FUZZ_INPUT_H_
