// A link taken away from a container that goes on running. Runs in xc-inject.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "inject/injector.h"
#include "inject/planting.h"
#include "model/address.h"
#include "registry/leftovers.h"
#include "sys/device_group.h"

namespace xc::inject {
namespace {

/// The listener's own name in our state directory: the file that the container saw.
void remove_listener(int directory, const sys::FileId& shown) {
  for (const auto& name : registry::names_in(directory).value_or(std::vector<std::string>{})) {
    const Fd file{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    const auto id = file && name.ends_with(".sock") ? sys::id_of(file.get()) : Result<sys::FileId>(sys::FileId{});
    if (id && *id == shown) (void)::unlinkat(directory, name.c_str(), 0);
  }
}

/// Directories in which something else of ours lies are not this link's any more.
void leave_directories(std::vector<sys::Planted>& all, std::size_t index) {
  std::vector<sys::MadeDirectory> kept;
  for (auto& made : all[index].made) {
    const auto uses = [&](const sys::Planted& one) {
      return &one != &all[index] && one.target.starts_with(made.path + "/");
    };
    const auto other = std::ranges::find_if(all, uses);
    if (other == all.end())
      kept.push_back(std::move(made));
    else
      other->made.push_back(std::move(made));
  }
  all[index].made = std::move(kept);
}

/// Nobody inside may open the device any more, unless another link is that device too.
Result<> withdraw_rule(const Tools& tools, const registry::Record& record, std::size_t link) {
  const auto& leaving = record.links[link];
  if (!model::is_node(leaving) || !leaving.device || leaving.device->lent) return {};
  const auto& node = leaving.device->node;
  for (const auto& other : record.links)
    if (&other != &leaving && model::is_node(other) && other.device && other.device->node.major == node.major &&
        other.device->node.minor == node.minor)
      return {};
  const auto group = XC_TRY(sys::DeviceGroup::open(tools.proc, tools.container.init));
  const sys::DeviceNumber number{node.major, node.minor};
  return group.withdraw(number, XC_TRY(group.granted(number)));
}

}  // namespace

Result<> retract(const Tools& tools, registry::Reentered& held, std::size_t link) {
  registry::Record& record = held.record;
  const std::string target = record.links.at(link).target;
  XC_CHECK_IN(target, withdraw_rule(tools, record, link));
  const std::string path = model::rendezvous_of(target).value_or(target);
  const auto planted = std::ranges::find(record.planted, path, &sys::Planted::target);
  if (planted != record.planted.end()) {
    const auto index = static_cast<std::size_t>(planted - record.planted.begin());
    leave_directories(record.planted, index);
    registry::Record alone = record;
    alone.planted = {*planted};
    XC_CHECK(registry::leave_to_others(tools.state, registry::key_of(record.container.name, record.init.pid), alone));
    XC_CHECK_IN(target, take_away(tools.proc, tools.container, alone.planted, tools.deadline));
    remove_listener(held.entry.directory.get(), planted->shown);
    record.planted.erase(record.planted.begin() + static_cast<std::ptrdiff_t>(index));
  }
  record.links.erase(record.links.begin() + static_cast<std::ptrdiff_t>(link));
  XC_CHECK_IN("the link is taken away, but its record is not", registry::update(tools.state, record));
  return {};
}

}  // namespace xc::inject
