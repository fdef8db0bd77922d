// What doctor sees of device nodes that containers were given.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "app/doctor.h"
#include "app/running.h"
#include "base/pack.h"
#include "base/text.h"
#include "sys/child.h"
#include "sys/device_group.h"
#include "sys/link_text.h"
#include "sys/small_file.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{2};
constexpr std::size_t longest_list = 1UL << 20U;

void look_at_rule(const Result<sys::DeviceGroup>& group, const model::NodeName& node, advice::DeviceFact& fact) {
  if (!group) {
    fact.unseen = group.error().text;
    return;
  }
  const sys::DeviceNumber number{node.major, node.minor};
  if (const auto above = group->check_above(number); !above) fact.above = above.error().text;
  const auto allowed = group->allows(number);
  if (!allowed)
    fact.unseen = allowed.error().text;
  else
    fact.allowed = *allowed;
  if (!group->has_list() || fact.allowed.value_or(true)) return;
  const int list = group->directories().front();
  const auto lines = sys::read_file(list, "devices.list", longest_list);
  if (lines && !sys::list_allows(*lines, number)) fact.list = sys::name_of_descriptor(list).value_or("");
}

/// What lies at the target by now; nothing when the container does not let us see.
std::optional<bool> is_in_place(const Result<inject::HeldContainer>& held, const registry::Record& record,
                                const model::Link& link) {
  const auto planted = std::ranges::find(record.planted, link.target, &sys::Planted::target);
  if (!held || planted == record.planted.end()) return std::nullopt;
  const auto file = held->root.resolve_entry(link.target);
  if (!file) return file.error().code == ENOENT || file.error().code == ENOTDIR ? std::optional(false) : std::nullopt;
  const auto id = sys::id_of(file->get());
  return id && *id == planted->shown;
}

}  // namespace

std::vector<advice::DeviceFact> look_at_devices_of(const registry::Record& record) {
  if (std::ranges::none_of(record.links, [](const auto& link) { return model::is_node(link); })) return {};
  const auto work = [&]() -> Result<sys::Answer> {  // the container's file system may hang
    const auto proc = XC_TRY(sys::Proc::open());
    const auto held = hold_recorded(proc, record);
    const auto init = XC_TRY(sys::open_process(proc, static_cast<pid_t>(record.init.pid)));
    const auto group = sys::DeviceGroup::open(proc, init);
    std::vector<advice::DeviceFact> all;
    for (const model::Link& link : record.links) {
      if (!model::is_node(link) || !link.device || link.device->lent) continue;
      const auto& node = link.device->node;
      advice::DeviceFact fact;
      fact.service = link.service;
      fact.role = link.role;
      fact.target = link.target;
      fact.rule = sys::rule_of({node.major, node.minor});
      look_at_rule(group, node, fact);
      fact.in_place = is_in_place(held, record, link);
      all.push_back(std::move(fact));
    }
    return sys::Answer{pack(std::move(all))};
  };
  const auto answer = sys::run_child(work, std::chrono::steady_clock::now() + patience);
  auto facts = answer ? unpack<std::vector<advice::DeviceFact>>(answer->bytes) : std::unexpected(answer.error());
  if (facts) return std::move(*facts);
  advice::DeviceFact fact;
  fact.service = "devices";
  fact.unseen = facts.error().text;
  return {fact};
}

}  // namespace xc::app
