#include "sys/program_pages.h"

#include <link.h>
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace xc::sys {
namespace {

struct Segment {
  std::uintptr_t start = 0;
  std::size_t bytes = 0;
};
using Segments = std::array<Segment, 4>;

constexpr std::uintptr_t page = 4096;  // the least there is: a kernel with larger ones refuses what is not aligned

/// The program itself comes first; a static one has nothing else.
int list_segments(dl_phdr_info* program, std::size_t, void* list) {
  std::size_t count = 0;
  for (unsigned i = 0; i < program->dlpi_phnum && count < Segments{}.size(); ++i) {
    const auto& segment = program->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t start = program->dlpi_addr + segment.p_vaddr;
    (*static_cast<Segments*>(list))[count++] = {start & ~(page - 1), segment.p_memsz + (start & (page - 1))};
  }
  return 1;
}

}  // namespace

void forget_program_pages() {
  Segments segments;
  (void)::dl_iterate_phdr(list_segments, &segments);
  for (const auto& segment : segments)  // last, and side by side with its caller: nothing is touched again to return
    if (segment.bytes != 0)
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the program's headers hold numbers
      (void)::madvise(reinterpret_cast<void*>(segment.start), segment.bytes, MADV_DONTNEED);
}

}  // namespace xc::sys
