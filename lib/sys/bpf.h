// The calls of bpf(2) for programs that are attached to control groups, and no more. Runs in the hook and the monitor.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/device_program.h"

namespace xc::sys {

/// Device programs attached to one group itself (not to those above it).
struct AttachedPrograms {
  std::vector<std::uint32_t> ids;
  std::uint32_t flags = 0;  ///< BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE or 0: how they were attached
};
/// Of the group whose directory is `group` (borrowed). None when the kernel knows no such programs.
[[nodiscard]] Result<AttachedPrograms> attached_to(int group);

/// A program by its id, held.
struct HeldProgram {
  Fd fd;
  DeviceProgram code;
  bool gpl = false;
};
[[nodiscard]] Result<HeldProgram> hold_program(std::uint32_t id);

/// Loads `code` and puts it in the place of `old` in the group, in one step where the kernel can (Linux 5.6); before,
/// both hold for a moment, and what either refuses is refused.
[[nodiscard]] Result<> replace_program(int group, std::uint32_t flags, const HeldProgram& old,
                                       const DeviceProgram& code);

}  // namespace xc::sys
