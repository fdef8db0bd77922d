// Whose files we make: the container's root, as the host numbers it. Runs in the planting child.
#pragma once

#include <sys/types.h>

#include <utility>

#include "base/result.h"

namespace xc::sys {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// While it lives, files are created as `owner` (fsuid, fsgid), with all our capabilities kept. Needed because a file
/// system mounted inside a user namespace refuses a creator it has no number for (EOVERFLOW), root included.
/// Applies to the calling thread only; the parent-death signal, which the kernel clears on such a change, is set again.
class ActingAs {
 public:
  /// An error when the kernel does not let this process take the ids.
  [[nodiscard]] static Result<ActingAs> begin(Owner owner);
  ActingAs(ActingAs&& other) noexcept : old_(other.old_), active_(std::exchange(other.active_, false)) {}
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;
  ActingAs& operator=(ActingAs&&) = delete;
  ~ActingAs();

 private:
  struct Old {
    Owner owner;
    int securebits = 0;
    int death_signal = 0;
  };
  explicit ActingAs(Old old) : old_(old) {}
  Old old_;
  bool active_ = true;
};

}  // namespace xc::sys
