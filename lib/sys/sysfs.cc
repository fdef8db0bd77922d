// See sysfs.h.
#include "sys/sysfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "sys/link_text.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t file_limit = 65536;

Fd open_directory(int above, const std::string& name) {
  return Fd{::openat(above, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

/// The last component of what a symbolic link of sysfs says; empty when there is no such link.
std::string link_name(int directory, const std::string& name) {
  const std::string target = read_link(directory, name).value_or("");
  return target.substr(target.rfind('/') + 1);
}

/// Where a directory lies in sysfs, by the kernel's name for it.
std::string place_of(const Fd& directory) {
  const std::string path = name_of_descriptor(directory.get()).value_or("");
  const auto found = path.find("/devices/");
  return found == path.npos ? "" : path.substr(found);
}

std::vector<std::string> names_in(const Fd& directory) {
  std::vector<std::string> names;
  const int copy = ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr) {
    if (copy >= 0) ::close(copy);
    return names;
  }
  while (const dirent* entry = ::readdir(stream))
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  ::closedir(stream);
  std::ranges::sort(names);
  return names;
}

/// The node that the directory of a device describes; nothing when it has none.
std::optional<SysfsNode> read_node(int above, const std::string& name) {
  const Fd directory = open_directory(above, name);
  if (!directory) return std::nullopt;
  const auto uevent = read_file(directory.get(), "uevent", file_limit);
  auto dev = read_file(directory.get(), "dev", file_limit);
  if (!uevent || !dev) return std::nullopt;
  if (dev->ends_with('\n')) dev->pop_back();
  const auto parts = text::split(*dev, ':');
  const auto major = text::parse_number(parts.front());
  const auto minor = text::parse_number(parts.back());
  if (parts.size() != 2 || !major || !minor) return std::nullopt;
  return SysfsNode{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor), name_in_uevent(*uevent)};
}

/// A virtio device sits on a PCI device whose driver only carries it.
std::string driver_of(const Fd& hardware) {
  const std::string own = link_name(hardware.get(), "driver");
  if (own != "virtio-pci") return own;
  for (const std::string& name : names_in(hardware)) {
    const std::string carried = name.starts_with("virtio") ? link_name(hardware.get(), name + "/driver") : "";
    if (!carried.empty()) return carried;
  }
  return own;
}

void add_hardware(const Fd& device, SysfsDevice& found) {
  const Fd hardware = open_directory(device.get(), "device");
  if (!hardware) return;
  found.hardware = place_of(hardware);
  found.driver = driver_of(hardware);
  const Fd family = open_directory(hardware.get(), found.subsystem);
  if (!family) return;
  for (const std::string& name : names_in(family))
    if (auto node = read_node(family.get(), name)) found.siblings.push_back(std::move(*node));
}

}  // namespace

std::string name_in_uevent(std::string_view text) {
  constexpr std::string_view key = "DEVNAME=";
  for (const auto line : text::split(text, '\n'))
    if (line.starts_with(key)) return std::string(line.substr(key.size()));
  return {};
}

Result<Sysfs> Sysfs::open() {
  Fd root = open_directory(AT_FDCWD, "/sys");
  struct statfs kind{};
  if (!root || ::fstatfs(root.get(), &kind) != 0) return fail_errno(Kind::kernel, "/sys", errno);
  if (kind.f_type != SYSFS_MAGIC)
    return fail(Kind::kernel, "/sys is no sysfs, so the kernel cannot be asked what a device is");
  return Sysfs(std::move(root));
}

Result<std::optional<SysfsDevice>> Sysfs::find_character_device(std::uint32_t major, std::uint32_t minor) const {
  const std::string name = "dev/char/" + text::number(major) + ":" + text::number(minor);
  const Fd device = open_directory(root_.get(), name);
  if (!device && errno == ENOENT) return std::optional<SysfsDevice>{};
  if (!device) return fail_errno(Kind::kernel, "/sys/" + name, errno);
  SysfsDevice found;
  auto node = read_node(device.get(), ".");
  if (!node || node->major != major || node->minor != minor)
    return fail(Kind::kernel, "/sys/" + name + " describes another device");
  found.node = std::move(*node);
  found.subsystem = link_name(device.get(), "subsystem");
  add_hardware(device, found);
  return std::optional(std::move(found));
}

}  // namespace xc::sys
