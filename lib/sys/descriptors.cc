// See descriptors.h.
#include "sys/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace xc::sys {
namespace {

constexpr unsigned first = 3;

/// False when the kernel does not have the call.
Result<bool> close_range_of(unsigned from, unsigned to) {
  if (from > to || ::syscall(SYS_close_range, from, to, 0U) == 0) return true;
  if (errno == ENOSYS) return false;
  return fail_errno(Kind::kernel, "close_range", errno);
}

/// Every descriptor of this process, read through `listing` (which is one of them).
Result<std::vector<unsigned>> list_descriptors(const Fd& listing) {
  std::vector<unsigned> numbers;
  alignas(dirent64) std::array<char, 4096> entries{};
  while (true) {
    const ssize_t size = ::getdents64(listing.get(), entries.data(), entries.size());
    if (size < 0) return fail_errno(Kind::kernel, "reading /proc/self/fd", errno);
    if (size == 0) return numbers;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const char* entry = entries.data() + at;
      const auto number = text::parse_number(std::string_view(entry + offsetof(dirent64, d_name)));
      if (number && *number <= UINT_MAX) numbers.push_back(static_cast<unsigned>(*number));
      decltype(dirent64::d_reclen) length = 0;
      std::memcpy(&length, entry + offsetof(dirent64, d_reclen), sizeof length);
      at += length;
    }
  }
}

Result<> close_one_by_one(const std::vector<unsigned>& keep) {
  const Fd listing{::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!listing) return fail_errno(Kind::kernel, "opening /proc/self/fd", errno);
  // Listed whole before the first is closed: the kernel goes on from a position, and closing would not move it, but the
  // listing itself must outlive the reading.
  for (const unsigned number : XC_TRY(list_descriptors(listing)))
    if (number >= first && static_cast<int>(number) != listing.get() &&
        !std::binary_search(keep.begin(), keep.end(), number))
      (void)::close(static_cast<int>(number));
  return {};
}

}  // namespace

Result<> close_all_but(std::span<const int> keep) {
  std::vector<unsigned> kept;
  for (const int number : keep)
    if (number >= static_cast<int>(first)) kept.push_back(static_cast<unsigned>(number));
  std::sort(kept.begin(), kept.end());
  unsigned from = first;
  for (const unsigned number : kept) {
    if (!XC_TRY(close_range_of(from, number - 1))) return close_one_by_one(kept);
    from = number + 1;
  }
  if (!XC_TRY(close_range_of(from, UINT_MAX))) return close_one_by_one(kept);
  return {};
}

}  // namespace xc::sys
