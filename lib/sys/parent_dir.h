// The directory that will hold a planted thing, made where it is missing (R03). Runs in the planting child, inside the
// container's mount namespace. Never removes or changes a directory that was there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/owner.h"
#include "sys/proc.h"
#include "sys/rooted_dir.h"

namespace xc::sys {

/// A file as the kernel knows it.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileId&) const = default;
};
template <class A>
void fields(A& a, FileId& f) {
  a("device", f.device);
  a("inode", f.inode);
}
/// Of a borrowed descriptor.
[[nodiscard]] Result<FileId> id_of(int fd);

/// A directory we made; plain data, so that another process can undo it.
struct MadeDirectory {
  std::string path;  ///< inside the root
  FileId id;
};
template <class A>
void fields(A& a, MadeDirectory& m) {
  a("path", m.path);
  a("id", m.id);
}

struct Parent {
  Fd dir;                           ///< O_PATH
  std::string name;                 ///< last component of the path
  std::vector<MadeDirectory> made;  ///< outermost first
};

/// The directory that holds (or will hold) `path`, resolved inside `root`, checked by check_ground(), and made with all
/// missing parents as `owner` with `mode`. `path` must be absolute and already in normal form: no "..", ".", "//" or
/// slash at the end. Errors are Kind::plant; what had been made by then is removed.
[[nodiscard]] Result<Parent> make_parent(const RootedDir& root, const Proc& proc, std::string_view path, Owner owner,
                                         mode_t mode = 0755);

/// Removes, innermost first, the directories of `made` that are still the same and empty; others stay without an error.
void remove_directories(const RootedDir& root, const std::vector<MadeDirectory>& made);

/// The same without the root, for whoever holds the innermost of them open (`innermost`, borrowed): each is removed
/// from the directory that it lies in by now.
void remove_upwards(int innermost, const std::vector<MadeDirectory>& made);

/// A path inside the root, cut in two: the directory and the name in it.
struct SplitPath {
  std::string directory;
  std::string name;
};
[[nodiscard]] SplitPath split_path(std::string_view path);

}  // namespace xc::sys
