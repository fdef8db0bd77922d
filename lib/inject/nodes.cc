#include "inject/nodes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string>

#include "base/pack.h"
#include "base/text.h"
#include "registry/providers.h"
#include "sys/rooted_dir.h"
#include "sys/sysfs.h"

namespace xc::inject {
namespace {

std::string words_for(mode_t mode) {
  if (S_ISCHR(mode)) return "character device";
  if (S_ISBLK(mode)) return "block device";
  if (S_ISLNK(mode)) return "symbolic link";
  if (S_ISDIR(mode)) return "directory";
  return S_ISREG(mode) ? "file" : S_ISSOCK(mode) ? "socket" : "FIFO";
}

Result<struct stat> stat_in(const sys::RootedDir& root, const std::string& path) {
  const Fd node = XC_TRY(root.resolve_entry(path));
  struct stat facts{};
  if (::fstat(node.get(), &facts) != 0) return fail_errno(Kind::plant, "fstat", errno);
  return facts;
}

Result<struct stat> stat_node(const sys::Proc& proc, const Offering& offering) {
  const std::string& path = offering.offered->offer.socket;
  if (offering.provider == nullptr) {
    const auto root = XC_TRY(sys::RootedDir::open("/"));
    return stat_in(root, path);
  }
  const auto provider = XC_TRY(registry::hold(proc, *offering.provider));
  return stat_in(provider.root, path);
}

model::NodeName name_of(const sys::SysfsNode& node) {
  return {node.major, node.minor, node.name};
}

Result<> add_kernels_words(model::NodeFacts& facts) {
  const auto sysfs = XC_TRY(sys::Sysfs::open());
  const auto found = XC_TRY(sysfs.find_character_device(facts.node.major, facts.node.minor));
  if (!found) return {};
  facts.node.name = found->node.name;
  facts.subsystem = found->subsystem;
  facts.driver = found->driver;
  facts.hardware = found->hardware;
  for (const auto& sibling : found->siblings) facts.siblings.push_back(name_of(sibling));
  return {};
}

model::NodeFacts look_at(const sys::Proc& proc, const Offering& offering) {
  model::NodeFacts facts;
  facts.provider = offering.offered->provider;
  facts.path = offering.offered->offer.socket;
  const auto file = stat_node(proc, offering);
  if (!file) {
    facts.problem = file.error().code == ENOENT ? "is not there" : file.error().text;
    return facts;
  }
  facts.file_type = words_for(file->st_mode);
  if (!S_ISCHR(file->st_mode)) return facts;
  facts.node.major = ::major(file->st_rdev);
  facts.node.minor = ::minor(file->st_rdev);
  if (const auto added = add_kernels_words(facts); !added) facts.problem = added.error().text;
  return facts;
}

}  // namespace

Result<std::vector<model::NodeFacts>> look_at_nodes(const sys::Proc& proc, const std::vector<Offering>& offerings,
                                                    sys::Deadline deadline) {
  if (offerings.empty()) return std::vector<model::NodeFacts>{};
  const auto work = [&]() -> Result<sys::Answer> {
    std::vector<model::NodeFacts> all;
    for (const Offering& offering : offerings) all.push_back(look_at(proc, offering));
    return sys::Answer{pack(std::move(all))};
  };
  const auto answer = XC_TRY_IN("looking at device nodes", sys::run_child(work, deadline));
  return unpack<std::vector<model::NodeFacts>>(answer.bytes);
}

Result<std::vector<model::NodeFacts>> look_at_devices(const sys::Proc& proc, const std::vector<model::Offered>& offered,
                                                      const std::vector<registry::Record>& providers,
                                                      const model::Manifest& wants, sys::Deadline deadline) {
  std::vector<Offering> offerings;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    const auto meant = [&](const auto& wanted) { return wanted.name == offered[i].offer.name; };
    if (!model::is_device(offered[i].offer.type) || std::ranges::none_of(wants.requirements, meant)) continue;
    offerings.push_back({&offered[i], i < providers.size() ? &providers[i] : nullptr});
  }
  return look_at_nodes(proc, offerings, deadline);
}

}  // namespace xc::inject
