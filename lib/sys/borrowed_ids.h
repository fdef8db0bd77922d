// Being somebody else for the length of a scope: what the kernel keeps of a process when it connects a socket
// (SO_PEERCRED, SO_PEERGROUPS) is taken from these ids. Runs in the monitor, which has one thread.
#pragma once

#include <sys/types.h>

#include <vector>

#include "base/result.h"

namespace xc::sys {

/// Effective user and group, and no supplementary group. Real and saved ids stay, so nobody of that user may signal or
/// trace the process. When the ids cannot be taken back the process ends: it must not go on as somebody else.
class BorrowedIds {
 public:
  /// Needs CAP_SETUID and CAP_SETGID, and that the caller is root in its real ids.
  [[nodiscard]] static Result<BorrowedIds> take(uid_t uid, gid_t gid);
  BorrowedIds(const BorrowedIds&) = delete;
  BorrowedIds& operator=(const BorrowedIds&) = delete;
  BorrowedIds(BorrowedIds&& other) noexcept;
  BorrowedIds& operator=(BorrowedIds&&) = delete;
  ~BorrowedIds();

 private:
  BorrowedIds() = default;
  bool active_ = false;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  std::vector<gid_t> groups_;
};

}  // namespace xc::sys
