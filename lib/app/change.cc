#include "app/change.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>

#include "app/ask.h"
#include "app/inputs.h"
#include "app/launcher.h"
#include "app/running.h"
#include "base/text.h"
#include "inject/nodes.h"
#include "model/address.h"
#include "plan/places.h"
#include "plan/planner.h"
#include "plan/rules.h"
#include "registry/leftovers.h"
#include "registry/providers.h"
#include "sys/descriptors.h"

namespace xc::app {
namespace {

sys::Deadline deadline_of(const ChangeOptions& options) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(options.deadline_ms);
}

/// SERVICE[:ROLE][=TARGET]; the planner judges the words.
model::Requirement parse_link(const std::string& text) {
  model::Requirement wanted;
  wanted.where = "command line";
  const auto equals = text.find('=');
  const std::string head = text.substr(0, equals);
  const auto colon = head.find(':');
  wanted.name = head.substr(0, colon);
  if (colon != std::string::npos) wanted.role = head.substr(colon + 1);
  if (equals != std::string::npos) wanted.targets.push_back(text.substr(equals + 1));
  return wanted;
}

/// What the plan needs of the machine, at this moment.
struct Survey {
  HostConfig host;
  sys::Proc proc;
  registry::StateDir state;
};

Result<Survey> survey(const ChangeOptions& options, bool make) {
  auto reader = XC_TRY(reader::Reader::start());
  auto host = XC_TRY(read_host_config(reader, options.config));
  auto proc = XC_TRY(sys::Proc::open());
  auto state = XC_TRY(make ? registry::StateDir::open(options.state) : registry::StateDir::find(options.state));
  return Survey{std::move(host), std::move(proc), std::move(state)};
}

Result<model::Plan> plan_link(const Survey& survey, const ChangeOptions& options, const model::Container& container,
                              const inject::HeldContainer& held) {
  model::Manifest wants;
  wants.requirements.push_back(parse_link(options.link));
  wants.requirements.back().shared_netns = options.shared_netns;
  const auto market = XC_TRY(registry::survey(survey.state, sought_by(wants)));
  model::HostFacts facts{.offered = all_offered(market.offered, survey.host),
                         .shared_netns = held.shared_net,
                         .redirector = registry::redirector_of(survey.state.path(), container.name)};
  if (plan::may_need_network(wants)) facts.net_neighbours = XC_TRY(inject::has_net_neighbours(survey.proc, held));
  facts.nodes =
      XC_TRY(inject::look_at_devices(survey.proc, facts.offered, market.providers, wants, deadline_of(options)));
  return plan::make_plan(container, wants, {}, model::Origin::host, survey.host.policy, facts);
}

/// The new link beside those that are there.
Result<> fit_together(const registry::Record& record, model::Plan& plan) {
  const auto is_gpu = [](const auto& link) { return link.type == model::Type::drm && model::is_node(link); };
  const bool gpu = std::ranges::any_of(record.links, is_gpu);
  for (auto& link : plan.links) link.render_node = link.render_node || gpu;
  std::vector<model::Link> all = record.links;
  for (auto& link : all) link.places = {link.target};
  all.insert(all.end(), plan.links.begin(), plan.links.end());
  if (all.size() > plan::link_limit) return fail(Kind::policy, "it has 64 links already, which is the limit");
  return plan::check_conflicts(all);
}

/// Hands new links to the shim that serves the container already.
inject::Launch addition(const Survey& survey, const std::string& key) {
  return [&survey, key](const registry::Record& record, const std::vector<Fd>& listeners,
                        const std::vector<Fd>& directories) -> Result<inject::Commit> {
    shim::Order order;
    order.wish = shim::Wish::add;
    order.links.push_back(record.links.back());
    if (listeners.size() != (model::is_node(order.links.front()) ? 0 : 1))
      return fail(Kind::internal, "one link was to be added");
    order.host = relevant(survey.host.services, order.links);
    auto sockets = std::make_shared<std::vector<Fd>>();
    for (const auto* list : {&listeners, &directories})
      for (const Fd& one : *list) sockets->push_back(XC_TRY(sys::copy_of(one)));
    return [&survey, key, order, sockets]() -> Result<> {
      std::vector<int> numbers;
      for (const Fd& one : *sockets) numbers.push_back(one.get());
      return in_its_name("its shim", give_order(survey.state, key, order, numbers));
    };
  };
}

Changed described(const std::string& container, const model::Link& link) {
  return {container, link.service, link.role, link.target, {}};
}

Result<Changed> outcome_of(const model::Plan& plan, const inject::Applied& applied) {
  if (applied.links.empty()) return fail(Kind::internal, "no link was made");
  Changed changed = described(plan.container.name, applied.links.front());
  for (const auto& note : plan.notes) changed.notes.push_back(note.text);
  std::ranges::copy(applied.warnings, std::back_inserter(changed.notes));
  return changed;
}

/// What the container's first process had in its environment is not kept in the record; its bundle may tell again.
model::Container with_environment(model::Container container) {
  if (container.engine != model::Engine::oci || container.bundle.empty()) return container;
  auto reader = reader::Reader::start();
  model::OciState state;
  state.id = container.name;
  state.bundle = container.bundle;
  const auto told = reader ? read_oci_container(*reader, state) : std::unexpected(reader.error());
  if (told) container.env = told->env;
  return container;
}

/// A container whose hook was called: it has an entry, and perhaps a shim.
Result<Changed> apply_to_entry(const Survey& survey, const ChangeOptions& options, const std::string& key) {
  const auto deadline = deadline_of(options);
  auto entry = XC_TRY(registry::reenter(survey.state, key, deadline));
  const auto held = XC_TRY(hold_recorded(survey.proc, entry.record));
  const bool served = ask_status(survey.state, key).has_value();
  if (!served && !entry.record.links.empty())
    return fail(Kind::kernel, "its shim has ended, and its links with it: start the container again");
  auto plan = XC_TRY(plan_link(survey, options, with_environment(entry.record.container), held));
  XC_CHECK(fit_together(entry.record, plan));
  const auto launch = served ? addition(survey, key) : launcher(survey.host.services, survey.state, held, deadline);
  return outcome_of(
      plan, XC_TRY(inject::extend({survey.proc, survey.state, held, launch, deadline}, plan, std::move(entry))));
}

/// A container that nobody told us of: only its pid says which it is, and only the caller, who.
Result<Changed> apply_to_stranger(const Survey& survey, const ChangeOptions& options) {
  const auto pid = text::parse_number(options.container);
  if (!pid)
    return fail(Kind::usage, text::quoted(options.container) +
                                 ": no such container is served; of one without hooks say the pid, and --name");
  if (options.name.empty())
    return fail(Kind::usage, "process " + text::number(*pid) +
                                 " is no container that a hook was called for: say with --name who it is");
  model::Container container;
  container.name = options.name;
  container.pid = static_cast<std::int64_t>(*pid);
  const auto deadline = deadline_of(options);
  const auto held = XC_TRY(inject::hold(survey.proc, container));
  const auto plan = XC_TRY(plan_link(survey, options, container, held));
  const auto launch = launcher(survey.host.services, survey.state, held, deadline);
  return outcome_of(plan, XC_TRY(inject::apply({survey.proc, survey.state, held, launch, deadline}, plan)));
}

/// Index of the link that is meant.
Result<std::size_t> find_link(const registry::Record& record, const model::Requirement& wanted) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < record.links.size(); ++i)
    if (record.links[i].service == wanted.name &&
        (wanted.targets.empty() || wanted.targets.front() == record.links[i].target))
      found.push_back(i);
  if (found.size() == 1) return found.front();
  const std::string what = "link " + text::quoted(wanted.name);
  if (found.empty()) return fail(Kind::usage, "it has no " + what);
  return fail(Kind::usage, "it has more than one " + what + ": say which with =TARGET");
}

/// Which of the shim's directories belongs to the link: they are those of the record, in its order.
shim::Order removal_of(const registry::Record& record, const model::Link& link) {
  shim::Order order;
  order.wish = shim::Wish::remove;
  order.target = link.target;
  const std::string path = model::rendezvous_of(link.target).value_or(link.target);
  const auto planted = std::ranges::find(record.planted, path, &sys::Planted::target);
  if (planted != record.planted.end())
    order.directory = static_cast<std::uint32_t>(planted - record.planted.begin()) + 1;
  return order;
}

}  // namespace

Result<Changed> apply_link(const ChangeOptions& options) {
  const auto all = XC_TRY(survey(options, true));
  const auto key = XC_TRY(find_entry(all.state, options.container));
  return key ? in_its_name(options.container, apply_to_entry(all, options, *key)) : apply_to_stranger(all, options);
}

Result<Changed> revoke_link(const ChangeOptions& options) {
  const auto state = XC_TRY(registry::StateDir::find(options.state));
  const auto key = XC_TRY(find_entry(state, options.container));
  if (!key) return fail(Kind::usage, text::quoted(options.container) + ": no such container is served");
  const auto deadline = deadline_of(options);
  const auto proc = XC_TRY(sys::Proc::open());
  auto entry = XC_TRY(registry::reenter(state, *key, deadline));
  const auto held = XC_TRY(hold_recorded(proc, entry.record));
  const std::size_t index = XC_TRY(in_its_name(options.container, find_link(entry.record, parse_link(options.link))));
  const model::Link link = entry.record.links[index];
  const bool served = ask_status(state, *key).has_value();
  Changed changed = described(entry.record.container.name, link);
  if (model::is_node(link)) changed.notes.emplace_back("programs that have it open keep it");
  const auto ended = served ? give_order(state, *key, removal_of(entry.record, link), {}) : Result<>();
  // That it does not serve the link is no error: an earlier revocation came that far.
  if (!ended && ended.error().kind != Kind::usage) return std::unexpected(in_context("its shim", ended.error()));
  if (!served) changed.notes.push_back("its shim had ended already");
  XC_CHECK(in_its_name("nobody serves the link any more, but its place is left",
                       inject::retract({proc, state, held, {}, deadline}, entry, index)));
  return changed;
}

}  // namespace xc::app
