// See descriptors.h.
#include "sys/descriptors.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "sys/numbered.h"

namespace xc::sys {
namespace {

constexpr unsigned first = 3;

/// False when the kernel does not have the call.
Result<bool> close_range_of(unsigned from, unsigned to) {
  if (from > to || ::syscall(SYS_close_range, from, to, 0U) == 0) return true;
  if (errno == ENOSYS) return false;
  return fail_errno(Kind::kernel, "close_range", errno);
}

Result<> close_one_by_one(const std::vector<unsigned>& keep) {
  const Fd listing{::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!listing) return fail_errno(Kind::kernel, "opening /proc/self/fd", errno);
  // Listed whole before the first is closed, because the listing is one of them.
  for (const std::uint64_t entry : XC_TRY(list_numbers(listing.get()))) {
    const auto number = static_cast<unsigned>(entry);
    if (number >= first && static_cast<int>(number) != listing.get() &&
        !std::binary_search(keep.begin(), keep.end(), number))
      (void)::close(static_cast<int>(number));
  }
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
