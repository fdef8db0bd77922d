// One file or directory of the host as a mount that can be put into a container, by descriptors only (R04).
// The copy is taken in the host's mount namespace, the attaching is done in the container's, in a forked child.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "sys/parent_dir.h"
#include "sys/proc.h"

namespace xc::sys {

/// What the mounted thing is for, which decides its mount flags: always nosuid, noexec, read-only and private; nodev
/// too, unless it is a device node. A read-only mount lets clients connect and devices be opened, but nobody inside
/// can change mode, owner or times of the host's inode.
enum class Use : std::uint8_t { socket, device, count_ };

/// A copy of a mount, attached nowhere yet. Where the kernel (before 5.2) or a filter has no open_tree(2) it only
/// remembers the source, and where mount_setattr(2) (5.12) is missing the flags are set on attaching: attach_tree()
/// does what is left, callers need not know.
struct Tree {
  Fd fd;                    ///< the detached mount, or O_PATH of the source
  bool detached = false;    ///< false: fd is the source itself
  bool restricted = false;  ///< the flags are set
  Use use = Use::socket;
  FileId id;         ///< the file it shows
  std::string path;  ///< the source's name on the host; only for !detached
};

/// Copies the mount of the file `source` (borrowed, O_PATH is enough) and restricts the copy for `use`. Must be called
/// in the mount namespace of `source`. A tree can be attached once.
[[nodiscard]] Result<Tree> clone_tree(int source, Use use);

/// Puts `tree` on top of `target`, which is the entry `name` of the directory `parent` (all borrowed), in the mount
/// namespace of the calling process, and proves afterwards that the entry shows the tree's file with the flags set.
/// Changes the working directory. On an error nothing stays attached (but on a kernel without open_tree(2), when
/// somebody exchanged the entry at that very moment: a name is then no proof of what may be taken away).
[[nodiscard]] Result<> attach_tree(const Proc& proc, const Tree& tree, int target, int parent, const std::string& name);

/// Takes away the mount whose root is `root_of_mount` (borrowed). Changes the working directory.
[[nodiscard]] Result<> detach(const Proc& proc, int root_of_mount);

}  // namespace xc::sys
