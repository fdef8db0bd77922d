// See descriptors.h.
#include "sys/descriptors.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/fd.h"
#include "sys/numbered.h"

namespace xc::sys {
namespace {

Result<> close_one_by_one(unsigned first) {
  const Fd listing{::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!listing) return fail_errno(Kind::kernel, "opening /proc/self/fd", errno);
  // Listed whole before the first is closed, because the listing is one of them.
  for (const std::uint64_t number : XC_TRY(list_numbers(listing.get())))
    if (number >= first && number != static_cast<std::uint64_t>(listing.get())) (void)::close(static_cast<int>(number));
  return {};
}

}  // namespace

Result<> close_from(unsigned first) {
  if (::syscall(SYS_close_range, first, ~0U, 0U) == 0) return {};
  if (errno != ENOSYS) return fail_errno(Kind::kernel, "close_range", errno);
  return close_one_by_one(first);
}

Result<Fd> copy_of(const Fd& descriptor) {
  Fd copy{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0)};
  if (!copy) return fail_errno(Kind::kernel, "copying a descriptor", errno);
  return copy;
}

}  // namespace xc::sys
