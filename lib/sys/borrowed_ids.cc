#include "sys/borrowed_ids.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/text.h"

namespace xc::sys {

Result<BorrowedIds> BorrowedIds::take(uid_t uid, gid_t gid) {
  BorrowedIds own;
  own.uid_ = ::geteuid();
  own.gid_ = ::getegid();
  const int count = ::getgroups(0, nullptr);
  if (count < 0) return fail_errno(Kind::kernel, "getgroups", errno);
  own.groups_.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, own.groups_.data()) != count) return fail_errno(Kind::kernel, "getgroups", errno);
  // The user comes last: with it go the capabilities that the others need. What fails then is undone by `own`.
  if (::setgroups(0, nullptr) != 0) return fail_errno(Kind::kernel, "setgroups", errno);
  own.active_ = true;
  if (::setegid(gid) == 0 && ::seteuid(uid) == 0) return own;
  if (errno != EINVAL) return fail_errno(Kind::kernel, "seteuid", errno);
  return fail(Kind::policy, "user " + text::number(uid) + " is not among the ids of the user whose podman this is");
}

BorrowedIds::BorrowedIds(BorrowedIds&& other) noexcept
    : active_(std::exchange(other.active_, false)),
      uid_(other.uid_),
      gid_(other.gid_),
      groups_(std::move(other.groups_)) {}

BorrowedIds::~BorrowedIds() {
  if (!active_) return;
  if (::seteuid(uid_) != 0 || ::setegid(gid_) != 0 || ::setgroups(groups_.size(), groups_.data()) != 0) std::abort();
}

}  // namespace xc::sys
