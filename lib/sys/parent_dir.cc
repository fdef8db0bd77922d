// See parent_dir.h.
#include "sys/parent_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/text.h"
#include "sys/ground.h"

namespace xc::sys {
namespace {

Result<> check_form(std::string_view path) {
  const std::string shown = text::printable(path);
  if (path.size() >= PATH_MAX) return fail_errno(Kind::plant, shown, ENAMETOOLONG);
  if (path.find('\0') != std::string_view::npos) return fail(Kind::plant, shown + ": a path cannot hold a zero byte");
  if (!path.starts_with('/')) return fail(Kind::plant, shown + ": a target must be an absolute path");
  for (const auto component : text::split(path.substr(1), '/'))
    if (component.empty() || component == "." || component == "..")
      return fail(Kind::plant, shown + ": a target must not hold '..', '.', '//' or end in '/'");
  return {};
}

struct Fresh {
  Fd dir;
  FileId id;
};

/// Opens the directory just made and makes sure of its owner and mode.
Result<Fresh> take_directory(int parent, const std::string& name, Owner owner, mode_t mode) {
  Fd made{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!made) return fail_errno(Kind::plant, "opening the directory just made", errno);
  struct stat facts{};
  if (::fstat(made.get(), &facts) != 0) return fail_errno(Kind::plant, "fstat of the directory just made", errno);
  if (facts.st_uid != owner.uid) return fail(Kind::plant, "the directory just made belongs to somebody else");
  // The umask and a default ACL of the parent have taken from the mode.
  if ((facts.st_mode & 0777) != mode && ::fchmod(made.get(), mode) != 0)
    return fail_errno(Kind::plant, "setting the mode of the directory just made", errno);
  return Fresh{std::move(made), {facts.st_dev, facts.st_ino}};
}

/// A new directory `name` in `parent`, by descriptor. EEXIST is left to the caller, in the error's code.
Result<Fresh> make_directory(int parent, const std::string& name, Owner owner, mode_t mode) {
  const ActingAs acting = XC_TRY(ActingAs::begin(owner));
  if (::mkdirat(parent, name.c_str(), mode) != 0) {
    if (errno == EROFS)
      return fail(Kind::plant,
                  "the container's file system is read-only there; choose a target on a tmpfs such as "
                  "/run, or make the directory in the image",
                  EROFS);
    return fail_errno(Kind::plant, "making the directory", errno);
  }
  auto fresh = take_directory(parent, name, owner, mode);
  if (!fresh) (void)::unlinkat(parent, name.c_str(), AT_REMOVEDIR);
  return fresh;
}

class Descent {
 public:
  Descent(const RootedDir& root, const Proc& proc, Owner owner, mode_t mode)
      : root_(root), proc_(proc), owner_(owner), mode_(mode) {}
  Result<Fd> run(std::string_view directory);
  std::vector<MadeDirectory> made;

 private:
  Result<Fd> enter(int above, const std::string& path);

  const RootedDir& root_;
  const Proc& proc_;
  Owner owner_;
  mode_t mode_;
};

Result<Fd> Descent::enter(int above, const std::string& path) {
  auto there = root_.resolve(path);
  if (there || there.error().code != ENOENT) return there;
  XC_CHECK_IN(text::printable(path), check_ground(proc_, above));
  auto fresh = make_directory(above, split_path(path).name, owner_, mode_);
  if (fresh) {
    made.push_back({path, fresh->id});
    return std::move(fresh->dir);
  }
  if (fresh.error().code != EEXIST) return std::unexpected(in_context(text::printable(path), fresh.error()));
  // Either somebody else made it just now, or it is a symlink to nothing, which mkdir(2) does not follow.
  there = root_.resolve(path);
  if (!there && there.error().code == ENOENT)
    return fail(Kind::plant, text::printable(path) + ": a symlink that leads nowhere; make its target in the image",
                ENOENT);
  return there;
}

Result<Fd> Descent::run(std::string_view directory) {
  Fd here = XC_TRY(root_.resolve("/"));
  // Each step starts again at the root: what was made a moment ago may have been moved, and then its name decides.
  for (std::size_t end = 0; end < directory.size();) {
    end = std::min(directory.find('/', end + 1), directory.size());
    here = XC_TRY(enter(here.get(), std::string(directory.substr(0, end))));
  }
  XC_CHECK_IN(text::printable(directory.empty() ? "/" : directory), check_ground(proc_, here.get()));
  return here;
}

}  // namespace

Result<FileId> id_of(int fd) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return fail_errno(Kind::kernel, "fstat", errno);
  return FileId{facts.st_dev, facts.st_ino};
}

SplitPath split_path(std::string_view path) {
  const auto slash = path.rfind('/');
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

Result<Parent> make_parent(const RootedDir& root, const Proc& proc, std::string_view path, Owner owner, mode_t mode) {
  XC_CHECK(check_form(path));
  SplitPath split = split_path(path);
  Descent descent(root, proc, owner, mode);
  auto dir = descent.run(split.directory);
  if (!dir) {
    remove_directories(root, descent.made);
    return std::unexpected(std::move(dir).error());
  }
  return Parent{std::move(*dir), std::move(split.name), std::move(descent.made)};
}

void remove_directories(const RootedDir& root, const std::vector<MadeDirectory>& made) {
  for (auto directory = made.rbegin(); directory != made.rend(); ++directory) {
    const SplitPath split = split_path(directory->path);
    const auto above = root.resolve(split.directory + "/");
    const auto itself = root.resolve_entry(directory->path);
    if (!above || !itself) continue;
    const auto id = id_of(itself->get());
    if (id && *id == directory->id) (void)::unlinkat(above->get(), split.name.c_str(), AT_REMOVEDIR);
  }
}

void remove_upwards(int innermost, const std::vector<MadeDirectory>& made) {
  Fd here{::openat(innermost, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (auto directory = made.rbegin(); directory != made.rend() && here; ++directory) {
    const std::string name = split_path(directory->path).name;
    Fd above{::openat(here.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const Fd itself{::openat(above.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    const auto id = itself ? id_of(itself.get()) : Result<FileId>(FileId{});
    if (id && *id == directory->id) (void)::unlinkat(above.get(), name.c_str(), AT_REMOVEDIR);
    here = std::move(above);
  }
}

}  // namespace xc::sys
