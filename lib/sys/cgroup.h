// A control group of our own for a shim: not the container's, not the engine's, so that neither is held back by us (an
// LXC monitor's group cannot be removed while we sit in it). Runs in the shim's monitor, at its start and end.
// Never touches another process or a group that is not below /xconnect of a hierarchy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/mountinfo.h"

namespace xc::sys {

/// A hierarchy that is mounted, and whether we go into it.
struct Hierarchy {
  std::string point;        ///< where it is mounted
  std::string controllers;  ///< as in /proc/self/cgroup: "" is v2
};

/// The hierarchies a process with this /proc/self/cgroup text must move in: v2 and v1's memory always, others when it
/// is not in their root group. Those that are not mounted are left out. Pure.
[[nodiscard]] Result<std::vector<Hierarchy>> hierarchies_to_enter(std::string_view cgroups,
                                                                  const std::vector<Mount>& mounts);

class OwnCgroup {
 public:
  /// Makes the group xconnect/`name` (one path component) in those hierarchies and moves the calling process, which
  /// must have one thread, into them. A group that is there already (a leftover) is used. On an error the process is
  /// back in the root groups and what was made is removed.
  [[nodiscard]] static Result<OwnCgroup> enter(const Proc& proc, const std::string& name);

  /// Limits the memory of the group. The answer is empty when the limit holds, else a sentence for a warning: no memory
  /// controller, or it cannot be handed down to us.
  [[nodiscard]] std::optional<std::string> limit_memory(std::uint64_t bytes) const;

  /// Moves the calling process to the root group of each hierarchy, removes the group, and xconnect when it is empty.
  /// Other processes still in the group are an error, which leaves the group; the rest is done in any case.
  [[nodiscard]] Result<> leave_and_remove() const;

 private:
  struct Place {
    Hierarchy hierarchy;
    Fd root;  // directory of the hierarchy's (visible) root group
  };
  std::string name_;
  std::vector<Place> places_;
};

/// Removes the empty groups xconnect/`name` that a process which was killed left in any hierarchy, and xconnect when it
/// is empty. Harmless when there are none.
void remove_abandoned_cgroup(const Proc& proc, const std::string& name);

}  // namespace xc::sys
