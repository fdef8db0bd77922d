// Whether anybody inside a container whose user namespace is its own can get to a directory: every one on the way must
// let somebody search it. We may everything there, so the kernel does not say so by itself. Runs in the planting child.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "sys/id_map.h"
#include "sys/namespaces.h"
#include "sys/proc.h"
#include "sys/process.h"
#include "sys/rooted_dir.h"

namespace xc::sys {

/// Who there can be inside, in our numbers.
struct Insiders {
  IdMap users;
  IdMap groups;
  std::vector<std::uint32_t> kept;  ///< groups that its init has though no number inside means them
};

/// Of the container whose init is `process`; nothing when it shares our user namespace: then the kernel's own answers
/// to us are those to its root.
[[nodiscard]] Result<std::optional<Insiders>> insiders_of(const Proc& proc, const Process& process,
                                                          const Namespaces& of_process);

/// A directory as fstat(2) tells it through the mount that it is seen by, so that mapped mounts need no rule of their
/// own.
struct Gate {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;
};

/// Whether somebody of them might search it by its mode: as owner, by a group, as anybody else, or as root of a user
/// namespace that has both of its ids (CAP_DAC_OVERRIDE; capabilities(7), user_namespaces(7)). Which users and
/// capabilities the container really has is not asked. Pure.
[[nodiscard]] bool could_pass(const Gate& gate, const Insiders& insiders);

/// Refuses a directory (borrowed) inside `root` when nobody of them can search it, or one on the way to it from `root`,
/// which it names; EACCES, Kind::plant. Not judged: what has an access control list, or lies on a file system whose
/// server decides, and a directory from which ".." does not lead to `root`. Changes the working directory.
[[nodiscard]] Result<> check_passage(const RootedDir& root, const Proc& proc, int directory, const Insiders& insiders);

}  // namespace xc::sys
