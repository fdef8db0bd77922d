// See cgroup.h.
#include "sys/cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "sys/cgroup_paths.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t small_limit = 65536;
constexpr int most_attempts = 16;
const std::string common = "xconnect";

bool holds(std::string_view list, std::string_view word) {
  const auto words = text::split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// True when `mount` shows the hierarchy with exactly these controllers; v1 names them among its options.
bool shows(const Mount& mount, std::string_view controllers) {
  if (controllers.empty()) return mount.type == "cgroup2";
  if (mount.type != "cgroup") return false;
  const auto words = text::split(controllers, ',');
  return std::all_of(words.begin(), words.end(), [&](auto word) { return holds(mount.super_options, word); });
}

/// The mount to use: one that shows the hierarchy from its root, if there is one.
const Mount* find_hierarchy(const std::vector<Mount>& mounts, std::string_view controllers) {
  const Mount* found = nullptr;
  for (const Mount& mount : mounts)
    if (shows(mount, controllers) && (found == nullptr || mount.root == "/")) found = &mount;
  return found;
}

Result<Fd> open_root(const Hierarchy& hierarchy) {
  Fd root{::open(hierarchy.point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  struct statfs kind{};
  if (!root || ::fstatfs(root.get(), &kind) != 0)
    return fail_errno(Kind::kernel, text::printable(hierarchy.point), errno);
  if (kind.f_type != CGROUP_SUPER_MAGIC && kind.f_type != CGROUP2_SUPER_MAGIC)
    return fail(Kind::kernel, text::printable(hierarchy.point) + ": another file system lies over the cgroups");
  return root;
}

/// A v1 cpuset group takes nobody in until it has cpus and nodes of its own: those of the group above.
Result<> copy_cpuset(int above, const std::string& group) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const std::string value = XC_TRY(read_file(above, file, small_limit));
    if (XC_TRY(read_file(above, group + "/" + file, small_limit)) == value) continue;
    XC_CHECK(write_file(above, group + "/" + file, value));
  }
  return {};
}

Result<> make_group(int above, const std::string& group) {
  if (::mkdirat(above, group.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return fail_errno(Kind::kernel, "making the cgroup " + group, errno);
}

Result<> make_groups(int root, const Hierarchy& hierarchy, const std::string& own) {
  Result<> made;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    XC_CHECK(make_group(root, common));
    made = make_group(root, own);
    // Another shim may have removed the common group, empty for a moment, between the two.
    if (made || made.error().code != ENOENT) break;
  }
  XC_CHECK(made);
  if (!holds(hierarchy.controllers, "cpuset")) return {};
  XC_CHECK(copy_cpuset(root, common));
  const Fd above{::openat(root, common.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!above) return fail_errno(Kind::kernel, "opening the cgroup " + common, errno);
  return copy_cpuset(above.get(), own.substr(common.size() + 1));
}

Result<> join(int root, const std::string& group) {
  return write_file(root, group + "cgroup.procs", "0");  // 0 is the writer itself
}

/// v2 hands controllers down only where they are switched on, level by level.
Result<> hand_down_memory(int root) {
  for (const std::string& group : {std::string(), common + "/"}) {
    const std::string file = group + "cgroup.subtree_control";
    std::string on = XC_TRY(read_file(root, file, small_limit));
    if (!on.empty() && on.back() == '\n') on.pop_back();
    const auto words = text::split(on, ' ');
    if (std::find(words.begin(), words.end(), "memory") != words.end()) continue;
    XC_CHECK(write_file(root, file, "+memory"));
  }
  return {};
}

Result<> remove_group(int root, const std::string& own) {
  Result<> done = join(root, "");
  if (::unlinkat(root, own.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT && done)
    done = fail_errno(Kind::kernel, "removing the cgroup " + own, errno);
  (void)::unlinkat(root, common.c_str(), AT_REMOVEDIR);  // fails while other shims have groups in it
  return done;
}

}  // namespace

Result<std::vector<Hierarchy>> hierarchies_to_enter(std::string_view cgroups, const std::vector<Mount>& mounts) {
  std::vector<Hierarchy> wanted;
  for (const CgroupPath& group : XC_TRY(parse_cgroups(cgroups))) {
    const bool always = group.controllers.empty() || holds(group.controllers, "memory");
    if (!always && group.path == "/") continue;
    if (const Mount* mount = find_hierarchy(mounts, group.controllers))
      wanted.push_back({mount->point, group.controllers});
  }
  return wanted;
}

Result<OwnCgroup> OwnCgroup::enter(const Proc& proc, const std::string& name) {
  if (!text::is_name(name, 128)) return fail(Kind::internal, "not a name for a cgroup: " + text::printable(name));
  const std::string cgroups = XC_TRY(read_file(proc.dir(), "self/cgroup", proc_file_limit));
  const auto mounts = XC_TRY(read_mounts(proc, "self"));
  OwnCgroup own;
  own.name_ = common + "/" + name;
  for (Hierarchy& hierarchy : XC_TRY(hierarchies_to_enter(cgroups, mounts))) {
    auto root = open_root(hierarchy);
    const std::string where = text::printable(hierarchy.point);
    Result<> done = root ? Result<>{} : std::unexpected(root.error());
    if (root) own.places_.push_back({std::move(hierarchy), std::move(*root)});
    if (done) done = make_groups(own.places_.back().root.get(), own.places_.back().hierarchy, own.name_);
    if (done) done = join(own.places_.back().root.get(), own.name_ + "/");
    if (done) continue;
    (void)own.leave_and_remove();
    return std::unexpected(in_context(where, std::move(done).error()));
  }
  return own;
}

std::optional<std::string> OwnCgroup::limit_memory(std::uint64_t bytes) const {
  std::string complaint = "no memory controller is mounted";
  for (const Place& place : places_) {
    const bool v2 = place.hierarchy.controllers.empty();
    if (!v2 && !holds(place.hierarchy.controllers, "memory")) continue;
    Result<> done = v2 ? hand_down_memory(place.root.get()) : Result<>{};
    const std::string file = name_ + (v2 ? "/memory.max" : "/memory.limit_in_bytes");
    if (done) done = write_file(place.root.get(), file, text::number(bytes));
    if (done) return std::nullopt;
    complaint = text::printable(place.hierarchy.point) + ": " + done.error().text;
  }
  return "memory is not limited: " + complaint;
}

Result<> OwnCgroup::leave_and_remove() const {
  Result<> worst;
  for (const Place& place : places_) {
    const auto done = remove_group(place.root.get(), name_);
    if (!done) worst = std::unexpected(in_context(text::printable(place.hierarchy.point), done.error()));
  }
  return worst;
}

void remove_abandoned_cgroup(const Proc& proc, const std::string& name) {
  const auto mounts = read_mounts(proc, "self");
  if (!mounts || !text::is_name(name, 128)) return;
  for (const Mount& mount : *mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    const auto root = open_root({mount.point, {}});
    if (!root || ::unlinkat(root->get(), (common + "/" + name).c_str(), AT_REMOVEDIR) != 0) continue;
    (void)::unlinkat(root->get(), common.c_str(), AT_REMOVEDIR);  // fails while other shims have groups in it
  }
}

}  // namespace xc::sys
