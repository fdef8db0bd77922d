// See device_group.h.
#include "sys/device_group.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "sys/bpf.h"
#include "sys/cgroup_paths.h"
#include "sys/mountinfo.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t list_limit = 1U << 20U;

bool holds(std::string_view list, std::string_view word) {
  const auto words = text::split(list, ',');
  return std::ranges::find(words, word) != words.end();
}

DeviceAccess access_to(DeviceNumber device) {
  return {.major = device.major, .minor = device.minor};
}

/// The group `path` below the hierarchy's mount, which may show only a part of it.
Result<Fd> open_group(const Mount& mount, const std::string& path, std::uint32_t magic) {
  if (!lies_in(path, mount.root) || path.find("/..") != path.npos)
    return fail(Kind::kernel,
                "control group " + text::printable(path) + " is not visible at " + text::printable(mount.point));
  const std::string below = mount.root == "/" ? path : path.substr(mount.root.size());
  const std::string name = mount.point + below;
  Fd group{::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  struct statfs kind{};
  if (!group || ::fstatfs(group.get(), &kind) != 0) return fail_errno(Kind::kernel, text::printable(name), errno);
  if (static_cast<std::uint32_t>(kind.f_type) != magic)
    return fail(Kind::kernel, text::printable(name) + ": another file system lies over the control groups");
  return group;
}

/// Groups above `group` as far as they are visible, nearest first.
Result<std::vector<Fd>> open_ancestors(const Mount& mount, const std::string& path) {
  std::vector<Fd> above;
  std::string rest = path;
  while (rest != "/" && rest != mount.root) {
    rest = rest.substr(0, std::max<std::size_t>(rest.rfind('/'), 1));
    if (!lies_in(rest, mount.root)) break;
    above.push_back(XC_TRY(open_group(mount, rest, CGROUP2_SUPER_MAGIC)));
  }
  return above;
}

/// Of all programs of one group each must agree.
Result<std::optional<bool>> verdict_of_group(int group, DeviceNumber device) {
  std::optional<bool> all = true;
  const auto attached = XC_TRY(attached_to(group));
  for (const auto id : attached.ids) {
    const auto program = XC_TRY(hold_program(id));
    const auto one = verdict_of(program.code, access_to(device));
    if (one && !*one) return std::optional(false);
    if (!one) all.reset();
  }
  return all;
}

}  // namespace

std::string rule_of(DeviceNumber device) {
  return "c " + text::number(device.major) + ":" + text::number(device.minor) + " rw";
}

bool list_allows(std::string_view list, DeviceNumber device) {
  const auto fits = [](std::string_view written, unsigned number) {
    return written == "*" || text::parse_number(written) == number;
  };
  return std::ranges::any_of(text::split(list, '\n'), [&](std::string_view line) {
    const auto words = text::split(line, ' ');
    if (words.size() != 3 || (words[0] != "a" && words[0] != "c")) return false;
    const auto numbers = text::split(words[1], ':');
    return numbers.size() == 2 && fits(numbers[0], device.major) && fits(numbers[1], device.minor) &&
           words[2].find('r') != words[2].npos && words[2].find('w') != words[2].npos;
  });
}

Result<DeviceGroup> DeviceGroup::open(const Proc& proc, const Process& process) {
  const std::string text = XC_TRY_IN("control groups", read_file(process.dir.get(), "cgroup", proc_file_limit));
  const auto mounts = XC_TRY(read_mounts(proc, "self"));
  DeviceGroup group;
  for (const CgroupPath& one : XC_TRY(parse_cgroups(text))) {
    const bool second = one.controllers.empty();
    if (!second && !holds(one.controllers, "devices")) continue;
    const auto mount = std::ranges::find_if(mounts, [&](const Mount& m) {
      return second ? m.type == "cgroup2" : m.type == "cgroup" && holds(m.super_options, "devices");
    });
    if (mount == mounts.end()) continue;
    if (second) {
      group.own_ = XC_TRY(open_group(*mount, one.path, CGROUP2_SUPER_MAGIC));
      group.above_ = XC_TRY(open_ancestors(*mount, one.path));
    } else {
      group.list_ = XC_TRY(open_group(*mount, one.path, CGROUP_SUPER_MAGIC));
    }
  }
  if (group.list_ || group.own_) return group;
  return fail(Kind::kernel,
              "no device control group is mounted, so nobody can say which devices the container may open; mount "
              "cgroup2 at /sys/fs/cgroup");
}

std::vector<int> DeviceGroup::directories() const {
  std::vector<int> all;
  for (const Fd* one : {&list_, &own_})
    if (*one) all.push_back(one->get());
  return all;
}

Result<std::optional<bool>> DeviceGroup::allows(DeviceNumber device) const {
  if (list_ && !list_allows(XC_TRY(read_file(list_.get(), "devices.list", list_limit)), device)) return false;
  return own_ ? verdict_of_group(own_.get(), device) : Result<std::optional<bool>>(true);
}

Result<bool> DeviceGroup::allow_in_list(DeviceNumber device) const {
  if (list_allows(XC_TRY(read_file(list_.get(), "devices.list", list_limit)), device)) return false;
  const std::string rule = rule_of(device);
  const auto written = write_file(list_.get(), "devices.allow", rule);
  if (!written && written.error().code == EPERM)
    return fail(Kind::kernel, "a control group above the container's forbids device \"" + rule + "\"", EPERM);
  XC_CHECK(written);
  if (list_allows(XC_TRY(read_file(list_.get(), "devices.list", list_limit)), device)) return true;
  return fail(Kind::kernel, "device control group: the rule \"" + rule + "\" was written and is not there");
}

Result<> DeviceGroup::check_above(DeviceNumber device) const {
  for (std::size_t i = 0; i < above_.size(); ++i) {
    const auto verdict = XC_TRY(verdict_of_group(above_[i].get(), device));
    if (verdict && *verdict) continue;
    return fail(Kind::kernel, "a control group above the container's forbids device \"" + rule_of(device) + "\"" +
                                  (verdict ? "" : ", or decides it by a program that is not understood"));
  }
  return {};
}

Result<bool> DeviceGroup::allow_in_programs(DeviceNumber device) const {
  const auto attached = XC_TRY(attached_to(own_.get()));
  bool changed = false;
  for (const auto id : attached.ids) {
    const auto program = XC_TRY(hold_program(id));
    const bool ours = without(device.major, device.minor, program.code).has_value();
    if (ours || verdict_of(program.code, access_to(device)).value_or(false)) continue;
    XC_CHECK(
        replace_program(own_.get(), attached.flags, program, allow_first(device.major, device.minor, program.code)));
    changed = true;
  }
  if (!changed) return false;
  const auto now = XC_TRY(verdict_of_group(own_.get(), device));
  if (now && *now) return true;
  return fail(Kind::kernel,
              "device control group: the rule \"" + rule_of(device) + "\" was attached and does not hold");
}

Result<DeviceGrant> DeviceGroup::allow(DeviceNumber device) const {
  XC_CHECK(check_above(device));
  DeviceGrant granted;
  granted.listed = list_ && XC_TRY(allow_in_list(device));
  if (!own_) return granted;
  const auto programmed = allow_in_programs(device);
  granted.programmed = programmed.value_or(true);
  if (programmed) return granted;
  (void)withdraw(device, granted);
  return std::unexpected(programmed.error());
}

Result<DeviceGrant> DeviceGroup::granted(DeviceNumber device) const {
  DeviceGrant grant;
  if (list_) {
    const std::string list = XC_TRY(read_file(list_.get(), "devices.list", list_limit));
    const auto lines = text::split(list, '\n');
    grant.listed = std::ranges::find(lines, rule_of(device)) != lines.end();
  }
  if (!own_) return grant;
  const auto attached = XC_TRY(attached_to(own_.get()));
  for (const auto id : attached.ids) {
    const auto program = XC_TRY(hold_program(id));
    grant.programmed = grant.programmed || without(device.major, device.minor, program.code);
  }
  return grant;
}

Result<> DeviceGroup::withdraw(DeviceNumber device, DeviceGrant granted) const {
  if (granted.listed) XC_CHECK(write_file(list_.get(), "devices.deny", rule_of(device)));
  if (!granted.programmed) return {};
  const auto attached = XC_TRY(attached_to(own_.get()));
  for (const auto id : attached.ids) {
    const auto program = XC_TRY(hold_program(id));
    if (const auto before = without(device.major, device.minor, program.code))
      XC_CHECK(replace_program(own_.get(), attached.flags, program, *before));
  }
  return {};
}

}  // namespace xc::sys
