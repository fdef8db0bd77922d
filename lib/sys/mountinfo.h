// /proc/PID/mountinfo (proc_pid_mountinfo(5)) as structs, and the question which mount a descriptor lies on.
// The parser is pure and treats the text as hostile: a container may mount at any name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/proc.h"

namespace xc::sys {

struct Mount {
  std::uint64_t id = 0;
  std::string root;   ///< directory of the file system that forms this mount's root
  std::string point;  ///< relative to the process's root
  std::string type;   ///< "ext4", "fuse.sshfs"
  std::string super_options;
  std::uint64_t peer_group = 0;  ///< mounts made on it appear on the group's other members too; 0 = none
  std::uint64_t master = 0;      ///< the group whose mounts appear here; 0 = none
};

/// An error names the line.
[[nodiscard]] Result<std::vector<Mount>> parse_mountinfo(std::string_view text);

/// The mounts a process sees; `process` is "self" or a number, read through the proven procfs.
[[nodiscard]] Result<std::vector<Mount>> read_mounts(const Proc& proc, const std::string& process);

/// Id of the mount that `fd` lies on (statx(2) STATX_MNT_ID, or fdinfo before Linux 5.8).
[[nodiscard]] Result<std::uint64_t> mount_id_of(const Proc& proc, int fd);

/// The mount that `fd` lies on; nothing when it is not among `mounts`, which are those of another namespace or of a
/// process whose root hides it.
[[nodiscard]] Result<std::optional<Mount>> find_mount(const Proc& proc, const std::vector<Mount>& mounts, int fd);

}  // namespace xc::sys
