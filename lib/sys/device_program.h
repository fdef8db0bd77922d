// Programs that decide which devices a control group of version 2 may open (BPF_PROG_TYPE_CGROUP_DEVICE), as lists of
// instructions: what one says of an access, and the same program with one more device allowed. Pure.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace xc::sys {

using DeviceProgram = std::vector<bpf_insn>;

/// One question to a program: may a process of the group do `access` (bits BPF_DEVCG_ACC_*) to that device?
struct DeviceAccess {
  std::uint32_t type = BPF_DEVCG_DEV_CHAR;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t access = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;
};

/// What the program answers. Nothing when it does something that device programs of engines never do (a map, a helper
/// call, the stack): then only the kernel knows.
[[nodiscard]] std::optional<bool> verdict_of(const DeviceProgram& program, const DeviceAccess& access);

/// A program that allows reading and writing of the character device, and answers everything else as `old` does.
[[nodiscard]] DeviceProgram allow_first(std::uint32_t major, std::uint32_t minor, const DeviceProgram& old);

/// The program as it was before allow_first() added this device, whatever was added later; nothing when it was not.
[[nodiscard]] std::optional<DeviceProgram> without(std::uint32_t major, std::uint32_t minor,
                                                   const DeviceProgram& program);

/// The program as it may be loaded again. Some verifiers (32-bit ARM, RISC-V) show instructions of their own that they
/// do not take back; those become jumps to the next instruction.
[[nodiscard]] DeviceProgram reloadable(DeviceProgram program);

}  // namespace xc::sys
