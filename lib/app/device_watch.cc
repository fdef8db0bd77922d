#include "app/device_watch.h"

#include <chrono>
#include <utility>

#include "app/running.h"
#include "base/json_out.h"
#include "base/text.h"
#include "model/event.h"
#include "sys/child.h"
#include "sys/device_group.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{2};

/// The planted node, O_PATH. In a child: on the way there may be a file system of the container, which hangs.
Result<Fd> find_node(const sys::Proc& proc, const registry::Record& record, const model::Link& link) {
  const auto planted = std::ranges::find(record.planted, link.target, &sys::Planted::target);
  if (planted == record.planted.end()) return fail(Kind::internal, "a device without a node");
  const auto work = [&]() -> Result<sys::Answer> {
    const auto held = XC_TRY(hold_recorded(proc, record));
    std::vector<Fd> node;
    node.push_back(XC_TRY(held.root.resolve_entry(link.target)));
    if (XC_TRY(sys::id_of(node.front().get())) != planted->shown)
      return fail(Kind::kernel, "another file lies over the node that was planted at " + text::quoted(link.target));
    return sys::Answer{"", std::move(node)};
  };
  auto answer = XC_TRY(sys::run_child(work, std::chrono::steady_clock::now() + patience));
  if (answer.descriptors.size() != 1) return fail(Kind::internal, "a device without a node");
  return std::move(answer.descriptors.front());
}

model::Event event_of(const sys::Opening& opening) {
  model::Event event;
  event.event = opening.overrun ? "lost" : "open";
  if (opening.overrun) return event;
  event.from = "client";
  event.verdict = "passed";
  if (opening.pid > 0) event.pid = static_cast<std::uint64_t>(opening.pid);
  if (!opening.program.empty()) event.program = opening.program;
  if (!opening.file.empty()) event.path = opening.file;
  return event;
}

/// Whether the container's device group lets the node be opened; nothing when that cannot be told.
std::optional<bool> is_allowed(const sys::Proc& proc, const model::Instance& init, const model::NodeName& node) {
  const auto process = sys::find_process(proc, static_cast<pid_t>(init.pid), init.start_time);
  if (!process || !*process) return std::nullopt;
  const auto group = sys::DeviceGroup::open(proc, **process);
  const auto verdict = group ? group->allows({node.major, node.minor}) : std::unexpected(group.error());
  return verdict.value_or(std::nullopt);
}

}  // namespace

DeviceWatch::DeviceWatch(sys::Proc proc, sys::OpenWatch opens, const registry::Record& record,
                         const model::NodeName& node)
    : proc_(std::move(proc)), opens_(std::move(opens)), init_(record.init), node_(node) {
  look_at_rule();
}

Result<DeviceWatch> DeviceWatch::begin(const registry::Record& record, const model::Link& link) {
  if (!link.device) return fail(Kind::internal, "a device without a node");
  auto proc = XC_TRY(sys::Proc::open());
  const Fd node = XC_TRY(find_node(proc, record, link));
  auto opens = XC_TRY(sys::OpenWatch::begin(node));
  return DeviceWatch(std::move(proc), std::move(opens), record, link.device->node);
}

bool DeviceWatch::next(std::string& line) {
  if (lines_.empty())
    for (const auto& opening : opens_.take(proc_)) {
      auto event = event_of(opening);
      lines_.push_back(to_json(event));
    }
  if (lines_.empty()) return false;
  line = std::move(lines_.front());
  lines_.pop_front();
  return true;
}

void DeviceWatch::look_at_rule() {
  const auto allowed = is_allowed(proc_, init_, node_);
  if (!allowed || *allowed == std::exchange(allowed_, *allowed)) return;
  const std::string rule = text::quoted(sys::rule_of({node_.major, node_.minor}));
  model::Event event;
  event.event = *allowed ? "allowed" : "denied";
  if (*allowed)
    event.reason = "the rule " + rule + " is in the container's device group again";
  else
    event.refused = "the rule " + rule + " is not in the container's device group: every open fails with EPERM";
  lines_.push_back(to_json(event));
}

}  // namespace xc::app
