// See precreate.h.
#include "app/precreate.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "app/inputs.h"
#include "app/registration.h"
#include "base/json_out.h"
#include "base/text.h"
#include "inject/nodes.h"
#include "model/address.h"
#include "plan/pins.h"
#include "plan/planner.h"
#include "plan/variables.h"
#include "registry/providers.h"
#include "shim/waiting_room.h"
#include "sys/own_users.h"

namespace xc::app {
namespace {

constexpr std::size_t id_length = 64;  // hexadecimal digits of an engine's identifier

Result<model::HostFacts> look_around(const HookOptions& options, const HostConfig& host, const model::Manifest& wants,
                                     sys::Deadline deadline) {
  model::HostFacts facts;
  std::vector<registry::Record> providers;
  if (const auto state = registry::StateDir::find(options.state)) {
    auto market = XC_TRY(registry::survey(*state, sought_by(wants)));
    facts.offered = std::move(market.offered);
    providers = std::move(market.providers);
  }
  facts.rootless = !sys::is_root_of_the_machine();
  facts.offered = all_offered(std::move(facts.offered), host);
  const auto proc = XC_TRY(sys::Proc::open());
  facts.nodes = XC_TRY(inject::look_at_devices(proc, facts.offered, providers, wants, deadline));
  return facts;
}

constexpr std::chrono::seconds patience_of_waiting_room{10};

/// 128 bits in hexadecimal digits.
Result<std::string> new_token() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail_errno(Kind::kernel, "getrandom", errno);
  std::string token;
  for (const unsigned char byte : bytes) token += {"0123456789abcdef"[byte >> 4U], "0123456789abcdef"[byte & 15U]};
  return token;
}

/// Elements of a list of config.json, as text.
using Elements = std::vector<std::string>;

/// The last of two variables of one name counts, in runc and in crun: what is there need not be taken out.
Result<Elements> variables_for(const model::Plan& plan, const model::Manifest& wants) {
  Elements elements;
  for (const model::Link& link : plan.links)
    if (link.token.empty() && model::may_be_a_port(link))
      elements.push_back(json_string(plan::token_variable(link.service) + "=" + XC_TRY(new_token())));
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

/// Something to be written into the text.
struct Addition {
  std::size_t at = 0;
  std::string text;
  std::size_t instead_of = 0;  ///< so many bytes that go
};

/// At the end of a list.
Addition at_end(const model::Gap& gap, const Elements& elements) {
  return {static_cast<std::size_t>(gap.at), (gap.first ? "" : ",") + text::join(elements, ",")};
}

/// Just behind an opening bracket.
Addition behind(const model::Gap& gap, const std::string& element) {
  return {static_cast<std::size_t>(gap.at), element + (gap.first ? "" : ",")};
}

/// The word "connect" of a list, with one comma at most.
bool is_connect(std::string_view piece) {
  std::string bare(piece);
  std::erase_if(bare, [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; });
  return bare == "\"connect\"" || bare == "\"connect\"," || bare == ",\"connect\"";
}

/// The reading process has no reason to send other places, and could make nonsense of the text alone.
Result<std::string> with(std::string text, std::vector<Addition> additions) {
  std::ranges::sort(additions, std::ranges::greater{}, &Addition::at);  // an earlier place stays where it is
  for (const Addition& one : additions) {
    const bool goes = one.instead_of > 0 && one.at < text.size() && one.instead_of < text.size() - one.at &&
                      is_connect(std::string_view(text).substr(one.at, one.instead_of));
    const bool comes = one.instead_of == 0 && one.at > 0 && one.at < text.size() &&
                       (text[one.at] == ']' || text[one.at - 1] == '[' || text[one.at - 1] == '{');
    if (!goes && !comes)
      return fail(Kind::manifest, "config.json: the reading process sent back a place where no list ends");
    text.replace(one.at, one.instead_of, one.text);
  }
  return text;
}

std::string without_newlines(std::string text) {
  std::erase(text, '\n');
  return text;
}

/// The filter's question about connect(2), where a link may need it.
void add_question(const model::Plan& plan, const model::Proposal& proposal, std::vector<Addition>& additions) {
  if (std::ranges::none_of(plan.links, model::may_be_redirected) || !proposal.machine || proposal.asks) return;
  const std::string& listener = plan.container.notified;
  const std::string path = "\"listenerPath\":" + json_string(listener);
  const std::string rule(connect_rule);
  for (const model::Span& span : proposal.connects)  // an engine takes one rule for a call
    additions.push_back({static_cast<std::size_t>(span.at), "", static_cast<std::size_t>(span.size)});
  if (!proposal.filter) {
    additions.push_back(behind(*proposal.machine, without_newlines(seccomp_member(listener))));
  } else if (proposal.calls) {
    additions.push_back(behind(*proposal.filter, path));
    additions.push_back(behind(*proposal.calls, rule));
  } else {
    additions.push_back(behind(*proposal.filter, path + ",\"syscalls\":[" + rule + "]"));
  }
}

/// The hook must come to the places that variables name.
void add_promises(const model::Plan& plan, const model::Manifest& wants, const model::Proposal& proposal,
                  std::vector<Addition>& additions) {
  Elements members;
  for (const model::Link& link : plan.links)
    if (link.places.size() > 1 && plan::has_variable(link, wants))
      members.push_back(json_string(std::string(model::place_annotation) + text::number(members.size())) + ":" +
                        json_string(plan::pin_of(link)));
  if (members.empty()) return;
  const std::string all = text::join(members, ",");
  additions.push_back(proposal.annotations ? behind(*proposal.annotations, all)
                                           : behind(proposal.top, "\"annotations\":{" + all + "}"));
}

Result<std::string> edited(const std::string& text, const model::Proposal& proposal, const model::Plan& plan,
                           const model::Manifest& wants) {
  const Elements variables = XC_TRY(variables_for(plan, wants));
  const Elements rules = rules_for(plan);
  if (!variables.empty() && !proposal.env)
    return fail(Kind::manifest, "config.json: has no list /process/env, where variables are to be set");
  std::vector<Addition> additions;
  if (!variables.empty()) additions.push_back(at_end(*proposal.env, variables));
  if (!rules.empty() && proposal.devices)  // without a list the engine restricts no device
    additions.push_back(at_end(*proposal.devices, rules));
  add_question(plan, proposal, additions);
  add_promises(plan, wants, proposal, additions);
  return with(text, std::move(additions));
}

/// crun looks for the place before there is a container, and runc finds it there as well.
Result<> prepare_place(const model::Plan& plan, const HookOptions& options) {
  if (std::ranges::none_of(plan.links, model::may_be_redirected)) return {};
  const auto state = XC_TRY(registry::StateDir::open(options.state));
  return shim::open_waiting_room(state, plan.container.name, patience_of_waiting_room);
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
  const std::string state = registry::state_path(options.state);  // as the hook will have it
  if (!container.name.empty())                                    // what is not asked yet will be
    container.notified = proposal.asks ? proposal.config.notified : registry::redirector_of(state, container.name);
  if (container.name.empty()) container.name = "container";
  auto facts = XC_TRY(look_around(options, host, wants, deadline));
  facts.redirector = registry::redirector_of(state, container.name);
  const auto plan = XC_TRY(plan::make_plan(container, wants, {}, model::Origin::host, host.policy, facts));
  auto answer = XC_TRY(edited(text, proposal, plan, wants));
  XC_CHECK(prepare_place(plan, options));
  return answer;
}

std::string precreate_help() {
  return "usage: xc-precreate [--state DIR] [--config DIR] [--run FILE] [--log FILE] [--deadline MS]\n"
         "\n"
         "Called by podman as hook of the stage precreate: reads a proposed config.json on standard input,\n"
         "writes it with the variables and device rules of its io.xconnect annotations. Options as of xc-hook(8).\n";
}

}  // namespace xc::app
