// See passage.h.
#include "sys/passage.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>

#include "base/text.h"
#include "sys/link_text.h"
#include "sys/parent_dir.h"
#include "sys/proc_status.h"

namespace xc::sys {
namespace {

constexpr int most_levels = PATH_MAX / 2;  // no name leads deeper at once

/// File systems that do not decide by what fstat(2) tells of a directory, but ask somebody.
constexpr std::array asking{
    std::uint32_t{FUSE_SUPER_MAGIC}, std::uint32_t{NFS_SUPER_MAGIC},  std::uint32_t{AFS_SUPER_MAGIC},
    std::uint32_t{AFS_FS_MAGIC},     std::uint32_t{CODA_SUPER_MAGIC}, std::uint32_t{SMB_SUPER_MAGIC},
    std::uint32_t{0xff534d42},  // cifs
    std::uint32_t{0xfe534d42},  // smb2
};

std::vector<std::uint32_t> groups_in(const std::string& status) {
  std::vector<std::uint32_t> groups;
  for (const auto word : text::split(status_value(status, "Groups").value_or(""), ' '))
    if (const auto number = text::parse_number(word); number && *number <= UINT32_MAX)
      groups.push_back(static_cast<std::uint32_t>(*number));
  return groups;
}

std::string octal(mode_t mode) {
  std::string digits = "0";
  for (const unsigned shift : {6U, 3U, 0U}) digits += static_cast<char>('0' + (mode >> shift & 7U));
  return digits;
}

/// A gate that nobody gets through.
struct Shut {
  std::string path;
  Gate gate;
};

/// The way from a directory up to the container's root.
class Ascent {
 public:
  Ascent(const RootedDir& root, const Proc& proc, const Insiders& insiders)
      : root_(root), proc_(proc), insiders_(insiders) {}
  /// The outermost shut gate, if the way led to the root.
  [[nodiscard]] Result<std::optional<Shut>> run(int directory) const;

 private:
  [[nodiscard]] Result<bool> is_shut(int directory, const Gate& gate) const;
  [[nodiscard]] Result<std::string> name_of(int directory) const;

  const RootedDir& root_;
  const Proc& proc_;
  const Insiders& insiders_;
};

Result<bool> Ascent::is_shut(int directory, const Gate& gate) const {
  if (could_pass(gate, insiders_)) return false;
  struct statfs kind{};
  if (::fstatfs(directory, &kind) != 0) return fail_errno(Kind::plant, "fstatfs", errno);
  if (std::ranges::find(asking, static_cast<std::uint32_t>(kind.f_type)) != asking.end()) return false;
  const std::string name = XC_TRY(proc_.name_here(directory));  // an O_PATH descriptor has no fgetxattr(2)
  return ::getxattr(name.c_str(), "system.posix_acl_access", nullptr, 0) < 0 &&
         (errno == ENODATA || errno == EOPNOTSUPP);
}

/// Inside the root, as the kernel tells it.
Result<std::string> Ascent::name_of(int directory) const {
  const std::string root = XC_TRY(name_of_descriptor(proc_, root_.get()));
  std::string name = XC_TRY(name_of_descriptor(proc_, directory));
  if (name == root) return "/";
  if (name.starts_with(root + "/")) name.erase(0, root.size());
  return name;
}

Result<std::optional<Shut>> Ascent::run(int directory) const {
  const FileId end = XC_TRY(id_of(root_.get()));
  std::optional<Shut> shut;
  FileId before;
  Fd here{::openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (int level = 0; level < most_levels && here; ++level) {
    struct stat facts{};
    if (::fstat(here.get(), &facts) != 0) return fail_errno(Kind::plant, "fstat", errno);
    const FileId id{facts.st_dev, facts.st_ino};
    if (id == before) break;  // the namespace's own root, and not the container's: a way that is not the container's
    const Gate gate{facts.st_uid, facts.st_gid, facts.st_mode};
    if (XC_TRY(is_shut(here.get(), gate))) shut = Shut{XC_TRY(name_of(here.get())), gate};
    if (id == end) return shut;
    before = id;
    here = Fd{::openat(here.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  }
  return std::optional<Shut>{};
}

}  // namespace

Result<std::optional<Insiders>> insiders_of(const Proc& proc, const Process& process, const Namespaces& of_process) {
  const Namespaces own = XC_TRY(own_namespaces(proc));
  if (XC_TRY(same_file(own.user.get(), of_process.user.get()))) return std::optional<Insiders>{};
  const std::string status = XC_TRY(read_status(process.dir.get()));
  return Insiders{XC_TRY(IdMap::read(process.dir.get(), "uid_map")), XC_TRY(IdMap::read(process.dir.get(), "gid_map")),
                  groups_in(status)};
}

bool could_pass(const Gate& gate, const Insiders& insiders) {
  const bool owner = insiders.users.has(gate.uid);
  const bool group = insiders.groups.has(gate.gid);
  const bool kept = std::ranges::find(insiders.kept, gate.gid) != insiders.kept.end();
  if ((gate.mode & S_IXOTH) != 0) return true;
  if ((gate.mode & S_IXUSR) != 0 && owner) return true;
  if ((gate.mode & S_IXGRP) != 0 && (group || kept)) return true;
  return owner && group;
}

Result<> check_passage(const RootedDir& root, const Proc& proc, int directory, const Insiders& insiders) {
  const auto shut = XC_TRY(Ascent(root, proc, insiders).run(directory));
  if (!shut) return {};
  return fail(
      Kind::plant,
      "nobody in the container can pass " + text::printable(shut->path) + ", a directory of user " +
          text::number(shut->gate.uid) + " and group " + text::number(shut->gate.gid) + " with mode " +
          octal(shut->gate.mode) +
          ", which lets in no id of the container's user namespace; let others search it (chmod o+x), or choose "
          "another target",
      EACCES);
}

}  // namespace xc::sys
