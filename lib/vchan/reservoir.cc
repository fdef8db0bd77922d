#include "vchan/reservoir.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace xc::vchan {

char* Reservoir::room_for(std::size_t size) {
  if (capacity_ - end_ >= size && bytes_ != nullptr) return bytes_ + end_;
  if (start_ > 0) {
    std::memmove(bytes_, bytes_ + start_, this->size());
    end_ -= start_;
    start_ = 0;
  }
  if (capacity_ - end_ < size || bytes_ == nullptr) {
    const std::size_t wanted = std::max<std::size_t>(end_ + size, 4096);
    auto* larger = static_cast<char*>(std::realloc(bytes_, wanted));
    if (larger == nullptr) return nullptr;
    bytes_ = larger;
    capacity_ = wanted;
  }
  return bytes_ + end_;
}

bool Reservoir::put(const char* bytes, std::size_t size) {
  char* room = room_for(size);
  if (room == nullptr) return false;
  std::memcpy(room, bytes, size);
  end_ += size;
  return true;
}

std::size_t Reservoir::take(char* bytes, std::size_t size) {
  const std::size_t moved = std::min(size, this->size());
  if (moved > 0) std::memcpy(bytes, data(), moved);
  drop(moved);
  return moved;
}

void Reservoir::drop(std::size_t size) {
  start_ += size;
  if (start_ < end_) return;
  start_ = end_ = 0;
  if (capacity_ > 65536) clear();  // an idle channel keeps little memory
}

void Reservoir::clear() {
  std::free(bytes_);
  bytes_ = nullptr;
  capacity_ = start_ = end_ = 0;
}

}  // namespace xc::vchan
