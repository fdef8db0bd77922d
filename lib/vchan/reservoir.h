// Bytes that wait in the program's own memory, first in first out. Runs in the program that uses the library; grows
// when it must and says when it cannot.
#pragma once

#include <cstddef>

namespace xc::vchan {

class Reservoir {
 public:
  Reservoir() = default;
  Reservoir(const Reservoir&) = delete;
  Reservoir& operator=(const Reservoir&) = delete;
  ~Reservoir() { clear(); }

  [[nodiscard]] std::size_t size() const { return end_ - start_; }
  [[nodiscard]] const char* data() const { return bytes_ + start_; }
  /// Room for `size` bytes behind those that are there; null when there is no memory. What was written there counts
  /// once grew() was told.
  [[nodiscard]] char* room_for(std::size_t size);
  void grew(std::size_t size) { end_ += size; }
  /// False when there is no memory; then nothing was put.
  [[nodiscard]] bool put(const char* bytes, std::size_t size);
  /// Moves at most `size` bytes out; the number moved.
  std::size_t take(char* bytes, std::size_t size);
  void drop(std::size_t size);
  void clear();

 private:
  char* bytes_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
};

}  // namespace xc::vchan
