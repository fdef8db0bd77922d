// See planted_file.h.
#include "sys/planted_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/ground.h"

namespace xc::sys {
namespace {

struct Stub {
  Fd fd;
  bool made = false;
};

std::string_view kind_name(mode_t mode) {
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a symlink";
  if (S_ISREG(mode)) return "a file";
  if (S_ISFIFO(mode)) return "a FIFO";
  return "a device node";
}

/// The entry that is there already, if it is as harmless as one that we would have made.
Result<Stub> accept_stub(int parent, const std::string& name, Owner owner) {
  Fd entry{::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return fail_errno(Kind::plant, "opening what is there already", errno);
  struct stat facts{};
  if (::fstat(entry.get(), &facts) != 0) return fail_errno(Kind::plant, "fstat of what is there already", errno);
  const auto refuse = [&](std::string_view what) {
    return fail(Kind::plant,
                std::string(what) +
                    " is there already; only an empty file that belongs to the container's "
                    "root may be: remove it from the image, or choose another target",
                EEXIST);
  };
  if (!S_ISREG(facts.st_mode)) return refuse(kind_name(facts.st_mode));
  if (facts.st_size != 0) return refuse("a file with contents");
  if (facts.st_nlink != 1) return refuse("a file with other names");
  if (facts.st_uid != owner.uid && facts.st_uid != 0) return refuse("a file of another user");
  return Stub{std::move(entry), false};
}

Result<Stub> make_stub(int parent, const std::string& name, Owner owner) {
  const ActingAs acting = XC_TRY(ActingAs::begin(owner));
  constexpr mode_t mode = 0600;  // seen by nobody while the mount is there
  Fd made{::openat(parent, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, mode)};
  if (made) return Stub{std::move(made), true};
  if (errno == EEXIST) return accept_stub(parent, name, owner);
  if (errno == EROFS)
    return fail(Kind::plant,
                "the container's file system is read-only there; choose a target on a tmpfs such as /run, "
                "or make an empty file of that name in the image",
                EROFS);
  return fail_errno(Kind::plant, "making the file to mount on", errno);
}

Fd open_entry(int parent, const std::string& name) {
  return Fd{::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
}

void remove_stub(int parent, const std::string& name, FileId stub) {
  const Fd entry = open_entry(parent, name);
  if (!entry) return;
  struct stat facts{};
  if (::fstat(entry.get(), &facts) != 0) return;
  if (FileId{facts.st_dev, facts.st_ino} == stub && S_ISREG(facts.st_mode) && facts.st_size == 0)
    (void)::unlinkat(parent, name.c_str(), 0);
}

Result<Planted> plant_in(const RootedDir& root, const Proc& proc, const Parent& parent, const Tree& tree,
                         const Manner& manner) {
  if (manner.insiders != nullptr) XC_CHECK(check_passage(root, proc, parent.dir.get(), *manner.insiders));
  const Stub stub = XC_TRY(make_stub(parent.dir.get(), parent.name, manner.owner));
  // What was there may be a mount of its own, and a shared one would show our socket where it came from.
  if (!stub.made) XC_CHECK(check_ground_of_file(proc, stub.fd.get()));
  Planted planted;
  planted.shown = tree.id;
  planted.made_stub = stub.made;
  const auto id = id_of(stub.fd.get());
  Result<> done = id ? Result<>{} : std::unexpected(id.error());
  if (id) planted.stub = *id;
  if (done) done = attach_tree(proc, tree, stub.fd.get(), parent.dir.get(), parent.name);
  if (done) return planted;
  if (id && stub.made) remove_stub(parent.dir.get(), parent.name, *id);
  return std::unexpected(std::move(done).error());
}

}  // namespace

Result<InPlace> plant_file(const RootedDir& root, const Proc& proc, std::string_view target, const Tree& tree,
                           const Manner& manner) {
  Parent parent = XC_TRY(make_parent(root, proc, target, manner.owner, manner.directories));
  auto planted = plant_in(root, proc, parent, tree, manner);
  if (!planted) {
    remove_directories(root, parent.made);
    return std::unexpected(in_context(text::printable(target), std::move(planted).error()));
  }
  planted->target = target;
  planted->made = std::move(parent.made);
  return InPlace{std::move(*planted), std::move(parent.dir)};
}

Result<> undo(const RootedDir& root, const Proc& proc, const Planted& planted) {
  const SplitPath split = split_path(planted.target);
  const auto parent = root.resolve(split.directory + "/");
  Result<> done;
  if (parent) {
    const Fd entry = open_entry(parent->get(), split.name);
    const auto id = entry ? id_of(entry.get()) : Result<FileId>(FileId{});
    if (id && *id == planted.shown) done = detach(proc, entry.get());
    if (planted.made_stub) remove_stub(parent->get(), split.name, planted.stub);
  }
  remove_directories(root, planted.made);
  if (!done) return std::unexpected(in_context(text::printable(planted.target), std::move(done).error()));
  return done;
}

void remove_from(int directory, const Planted& planted) {
  const std::string name = split_path(planted.target).name;
  if (planted.made_stub) {
    // While the container lives its mount hides the stub; only on the stub did we put it.
    const Fd entry = open_entry(directory, name);
    const auto id = entry ? id_of(entry.get()) : Result<FileId>(FileId{});
    if (id && *id == planted.shown)
      (void)::unlinkat(directory, name.c_str(), 0);
    else
      remove_stub(directory, name, planted.stub);
  }
  remove_upwards(directory, planted.made);
}

}  // namespace xc::sys
