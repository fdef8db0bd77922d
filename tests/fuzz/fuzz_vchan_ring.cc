// What the other side of a shared ring may write into it, at any moment: never a byte outside, never more than fits,
// and an index that cannot be true ends the ring. Input: an operation and four bytes for it, again and again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "vchan/ring.h"

namespace {

constexpr std::uint32_t capacity = xc::vchan::least_ring;

/// The memory of a ring and nothing behind it, so that a sanitizer sees every byte that is touched outside.
struct Memory {
  char* bytes = static_cast<char*>(std::aligned_alloc(4096, xc::vchan::ring_head + capacity));
  Memory() { std::memset(bytes, 0, xc::vchan::ring_head + capacity); }
  ~Memory() { std::free(bytes); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
};

void demand(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xc::vchan;
  const Memory memory;
  auto& page = *reinterpret_cast<RingPage*>(memory.bytes);
  RingWriter writer(memory.bytes, ring_head + capacity);
  RingReader reader(memory.bytes, ring_head + capacity);
  std::vector<char> buffer(3 * capacity);
  std::uint64_t received = 0;
  for (; size >= 5; data += 5, size -= 5) {
    std::uint32_t value = 0;
    std::memcpy(&value, data + 1, sizeof value);
    const std::size_t amount = value % buffer.size();
    switch (data[0] % 10) {
      case 0: page.head = value; break;
      case 1: page.tail = value; break;
      case 2: std::memcpy(memory.bytes + value % sizeof(RingPage), data + 1, 1); break;
      case 3: page.switch_at = value; break;
      case 4: demand(writer.write(buffer.data(), amount) <= std::min<std::size_t>(amount, capacity)); break;
      case 5: demand(reader.read(buffer.data(), amount) <= std::min<std::size_t>(amount, capacity)); break;
      case 6: demand(writer.room(amount) <= capacity && reader.filled(amount) <= capacity); break;
      case 7: (void)(writer.must_wake() || reader.must_wake()); break;
      case 8: (void)reader.takes_over(received += amount); break;
      default: page.switched = value; break;
    }
    if (writer.broken()) demand(writer.write(buffer.data(), 1) == 0);
    if (reader.broken()) demand(reader.read(buffer.data(), 1) == 0);
  }
  return 0;
}
