// See precreate.h.
#include "app/precreate.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include "app/inputs.h"
#include "base/json_out.h"
#include "base/text.h"
#include "inject/nodes.h"
#include "plan/planner.h"
#include "plan/variables.h"
#include "registry/providers.h"
#include "sys/own_users.h"

namespace xc::app {
namespace {

constexpr std::size_t id_length = 64;  // hexadecimal digits of an engine's identifier

Result<model::HostFacts> look_around(const HookOptions& options, const HostConfig& host, const model::Manifest& wants,
                                     sys::Deadline deadline) {
  model::HostFacts facts;
  std::vector<registry::Record> providers;
  if (const auto state = registry::StateDir::find(options.state)) {
    auto market = XC_TRY(registry::survey(*state));
    facts.offered = std::move(market.offered);
    providers = std::move(market.providers);
  }
  facts.rootless = !sys::is_root_of_the_machine();
  facts.offered = all_offered(std::move(facts.offered), host);
  const auto proc = XC_TRY(sys::Proc::open());
  facts.nodes = XC_TRY(inject::look_at_devices(proc, facts.offered, providers, wants, deadline));
  return facts;
}

/// Elements of a list of config.json, as text.
using Elements = std::vector<std::string>;

/// The last of two variables of one name counts, in runc and in crun: what is there need not be taken out.
Elements variables_for(const model::Plan& plan, const model::Manifest& wants) {
  Elements elements;
  for (const auto& [name, value] : plan::variables_of(plan.links, wants))
    elements.push_back(json_string(name + "=" + value));
  return elements;
}

/// createRuntime opens the control group by itself; a rule in the configuration also survives an engine's update of it.
Elements rules_for(const model::Plan& plan) {
  Elements elements;
  for (const model::Link& link : plan.links)
    if (model::is_node(link) && link.device && !link.device->lent)  // an ordinary user's container has no rules
      elements.push_back("{\"allow\":true,\"type\":\"c\",\"major\":" + text::number(link.device->node.major) +
                         ",\"minor\":" + text::number(link.device->node.minor) + ",\"access\":\"rw\"}");
  return elements;
}

Result<> insert(std::string& text, const model::Gap& gap, const Elements& elements) {
  const auto at = static_cast<std::size_t>(gap.at);
  if (gap.at >= text.size() || text[at] != ']')
    return fail(Kind::manifest, "config.json: the reading process sent back a place where no list ends");
  text.insert(at, (gap.first ? "" : ",") + text::join(elements, ","));
  return {};
}

/// The later place first, so that the earlier one stays where it is.
Result<std::string> edited(std::string text, const model::Proposal& proposal, const Elements& variables,
                           const Elements& rules) {
  if (!variables.empty() && !proposal.env)
    return fail(Kind::manifest, "config.json: has no list /process/env, where variables are to be set");
  const bool rules_first = proposal.devices && (!proposal.env || proposal.devices->at > proposal.env->at);
  const auto add_rules = [&]() -> Result<> {  // without a list the engine restricts no device
    return rules.empty() || !proposal.devices ? Result<>{} : insert(text, *proposal.devices, rules);
  };
  if (rules_first) XC_CHECK(add_rules());
  if (!variables.empty()) XC_CHECK(insert(text, *proposal.env, variables));
  if (!rules_first) XC_CHECK(add_rules());
  return text;
}

}  // namespace

std::string container_in(const std::string& cgroups_path) {
  std::string last = cgroups_path.substr(cgroups_path.find_last_of("/:") + 1);
  if (last.ends_with(".scope")) last.resize(last.size() - std::string(".scope").size());
  last = last.substr(last.rfind('-') + 1);
  const bool fits = last.size() == id_length && last.find_first_not_of("0123456789abcdef") == std::string::npos;
  return fits ? last : "";
}

Result<std::string> run_precreate(const HookOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.deadline_ms);
  const std::string text = XC_TRY(read_standard_input(deadline));
  auto engine_reader = XC_TRY(reader::Reader::start());  // config.json holds the image's words
  auto proposal = XC_TRY(engine_reader.proposal(text, "config.json"));
  model::Container container;
  container.name = container_in(proposal.cgroups_path);
  container.env = proposal.config.env;
  container.annotations = proposal.config.annotations;
  auto reader = XC_TRY(reader::Reader::start());
  const auto wants = XC_TRY(read_manifests(reader, container, options)).wants;
  if (wants.requirements.empty()) return text;
  const HostConfig host = XC_TRY(read_host_config(reader, options.config));
  if (container.name.empty() && host.policy.present)
    return fail(Kind::policy,
                "linux.cgroupsPath names no container, so host policy cannot be asked about it: let the engine make a "
                "control group (no --cgroups=disabled)");
  if (container.name.empty()) container.name = "container";
  const auto facts = XC_TRY(look_around(options, host, wants, deadline));
  const auto plan = XC_TRY(plan::make_plan(container, wants, {}, model::Origin::host, host.policy, facts));
  return edited(text, proposal, variables_for(plan, wants), rules_for(plan));
}

std::string precreate_help() {
  return "usage: xc-precreate [--state DIR] [--config DIR] [--run FILE] [--log FILE] [--deadline MS]\n"
         "\n"
         "Called by podman as hook of the stage precreate: reads a proposed config.json on standard input,\n"
         "writes it with the variables and device rules of its io.xconnect annotations. Options as of xc-hook(8).\n";
}

}  // namespace xc::app
