// A socket or device node of the host made to appear at a path inside a container, and its undoing.
// Runs in a forked child that has entered the container's mount namespace. Never unlinks what it did not make.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/mounts.h"
#include "sys/owner.h"
#include "sys/parent_dir.h"
#include "sys/passage.h"
#include "sys/proc.h"
#include "sys/rooted_dir.h"

namespace xc::sys {

/// What was done, as plain data: the child packs it for its parent, and another child can undo it.
struct Planted {
  std::string target;               ///< path inside the root
  FileId shown;                     ///< the host's file that the container sees there
  bool made_stub = false;           ///< the empty file underneath is ours
  FileId stub;                      ///< that file, whoever made it
  std::vector<MadeDirectory> made;  ///< outermost first
};
template <class A>
void fields(A& a, Planted& p) {
  a("target", p.target);
  a("shown", p.shown);
  a("made-stub", p.made_stub);
  a("stub", p.stub);
  a("made", p.made);
}

/// A planting, and a hold on the directory it lies in: what is there can be taken away by that when no name leads there
/// any more.
struct InPlace {
  Planted planted;
  Fd directory;
};

/// How a container's root would make what is missing.
struct Manner {
  Owner owner;                         ///< the host's number of the container's root
  mode_t directories = 0755;           ///< of those that are made
  const Insiders* insiders = nullptr;  ///< who must be able to get there; none: the kernel would have said so
};

/// Makes `tree` appear at `target` inside `root`: missing directories and an empty file to mount on are made as
/// `manner` says, where somebody inside can get to them (check_passage); then the tree is attached. A file that is
/// there already is used only when it is regular, empty, has one name and belongs to the owner or the host's root
/// (R03). Errors are sentences of Kind::plant (or Kind::kernel) that begin with the target; then nothing of the attempt
/// is left. Changes the working directory.
[[nodiscard]] Result<InPlace> plant_file(const RootedDir& root, const Proc& proc, std::string_view target,
                                         const Tree& tree, const Manner& manner);

/// Takes away what is still as `planted` says: the mount, the stub, the directories that are empty. What has changed
/// since is left alone. An error means the mount could not be taken away. Changes the working directory.
[[nodiscard]] Result<> undo(const RootedDir& root, const Proc& proc, const Planted& planted);

/// The same from outside, by the hold (InPlace::directory, borrowed) alone, wherever the directory is mounted: removing
/// the stub takes the mount along in every namespace but the caller's. Of a stub that is not ours the mount stays.
void remove_from(int directory, const Planted& planted);

}  // namespace xc::sys
