// Which devices a container's control groups let it open, and one more (R29). Runs in the hook and, to put back what
// somebody took away, in the monitor. Version 1 has a list in a file, version 2 programs; on a hybrid host both count.
// Only the container's own group is ever changed.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/proc.h"
#include "sys/process.h"
#include "sys/staged_node.h"

namespace xc::sys {

/// What one allow() changed.
struct DeviceGrant {
  bool listed = false;
  bool programmed = false;
};

/// The device with read and write, as devices.allow takes it: "c 226:128 rw".
[[nodiscard]] std::string rule_of(DeviceNumber device);

class DeviceGroup {
 public:
  /// The groups of `process`, as they are mounted where the caller lives. An error when neither version is mounted:
  /// nobody could tell then what the container may open (DEV-07).
  [[nodiscard]] static Result<DeviceGroup> open(const Proc& proc, const Process& process);

  /// Its directories, one for each version; borrowed.
  [[nodiscard]] std::vector<int> directories() const;

  /// Whether one of version 1 is among them: the first then.
  [[nodiscard]] bool has_list() const { return static_cast<bool>(list_); }

  /// Refused when a group of version 2 above the container's forbids that device, or nobody can tell.
  [[nodiscard]] Result<> check_above(DeviceNumber device) const;

  /// Whether processes of the group may read and write that character device; nothing when a program is beyond us.
  [[nodiscard]] Result<std::optional<bool>> allows(DeviceNumber device) const;

  /// Lets them: "c MAJOR:MINOR rw" and nothing else. Refused, with nothing changed, when a group above forbids it,
  /// because that would still count.
  [[nodiscard]] Result<DeviceGrant> allow(DeviceNumber device) const;

  /// What an allow() of somebody else's has changed, as far as the groups tell: a line or a program of our form.
  [[nodiscard]] Result<DeviceGrant> granted(DeviceNumber device) const;

  /// Takes back what an allow() changed.
  [[nodiscard]] Result<> withdraw(DeviceNumber device, DeviceGrant granted) const;

 private:
  [[nodiscard]] Result<bool> allow_in_list(DeviceNumber device) const;
  [[nodiscard]] Result<bool> allow_in_programs(DeviceNumber device) const;

  Fd list_;                ///< version 1: the container's group
  Fd own_;                 ///< version 2: the same
  std::vector<Fd> above_;  ///< version 2: its ancestors, nearest first
};

/// Whether the text of a version 1 devices.list lets a character device be read and written. Pure.
[[nodiscard]] bool list_allows(std::string_view list, DeviceNumber device);

}  // namespace xc::sys
