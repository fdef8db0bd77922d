// The kernel's own words for a character device, from the host's sysfs. Runs in the hook and in xc-inject, in the
// host's namespaces only: a container may mount anything at /sys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

/// A node as sysfs has it in "dev" and "uevent".
struct SysfsNode {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::string name;  ///< DEVNAME: its name below /dev
};

struct SysfsDevice {
  SysfsNode node;
  std::string subsystem;            ///< "drm"; empty when it has none
  std::string driver;               ///< of the hardware; empty when sysfs names none
  std::string hardware;             ///< "/devices/...", empty for devices without hardware
  std::vector<SysfsNode> siblings;  ///< nodes of the same subsystem and hardware, itself included
};

class Sysfs {
 public:
  /// Opens /sys; an error when it is not a sysfs.
  [[nodiscard]] static Result<Sysfs> open();
  /// The device that has this number; nothing when there is none.
  [[nodiscard]] Result<std::optional<SysfsDevice>> find_character_device(std::uint32_t major,
                                                                         std::uint32_t minor) const;

 private:
  explicit Sysfs(Fd root) : root_(std::move(root)) {}
  Fd root_;
};

/// The value of "DEVNAME=" in the text of a uevent file; empty when it has none. Pure.
[[nodiscard]] std::string name_in_uevent(std::string_view text);

}  // namespace xc::sys
