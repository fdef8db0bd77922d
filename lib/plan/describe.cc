// Plans as text and JSON; pure. See describe.h.
#include "plan/describe.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_out.h"
#include "base/table.h"
#include "base/text.h"
#include "model/address.h"
#include "plan/devices.h"

namespace xc::plan {

/// What of a container may be shown.
struct ContainerView {
  model::Engine engine;
  std::string name;
  std::int64_t pid;
  std::string bundle;
  std::string root;
};
template <class A>
void fields(A& a, ContainerView& c) {
  a("engine", c.engine);
  a("name", c.name);
  a("pid", c.pid);
  a("bundle", c.bundle);
  a("root", c.root);
}

struct StepView {
  model::StepKind kind;
  std::optional<std::uint32_t> link;
};
template <class A>
void fields(A& a, StepView& s) {
  a("kind", s.kind);
  a("link", s.link);
}

struct PlanView {
  ContainerView container;
  std::vector<model::Link> links;
  std::vector<model::Offer> offers;
  model::Origin offers_origin;
  std::vector<StepView> steps;
  std::vector<model::Note> notes;
};
template <class A>
void fields(A& a, PlanView& p) {
  a("container", p.container);
  a("links", p.links);
  a("offers", p.offers);
  a("offers-origin", p.offers_origin);
  a("steps", p.steps);
  a("notes", p.notes);
}

namespace {

using text::Row;
using text::table;

std::string shown(std::string_view text) {
  return text::printable(text, 4096);
}

bool concerns_a_link(model::StepKind kind) {
  using enum model::StepKind;
  return kind == listen || kind == stage || kind == plant || kind == allow;
}

std::string describe_rest(const model::RestRules& rest) {
  std::vector<std::string> parts;
  if (rest.all) parts.emplace_back("everything");
  for (const model::RestRule& rule : rest.rules)
    parts.push_back(text::join(rule.methods, ",") + " " + text::join(rule.paths, " "));
  if (parts.empty()) parts.emplace_back("nothing");
  if (rest.upgrade) parts.emplace_back("upgrades");
  if (rest.body) parts.push_back("bodies up to " + text::number(*rest.body) + " bytes");
  if (rest.wait) parts.push_back(*rest.wait == 0 ? "waits for ever" : "waits " + text::number(*rest.wait) + " s");
  if (rest.protocol) parts.push_back("protocol " + *rest.protocol);
  return "rest: " + text::join(parts, "; ");
}

std::string describe_dbus_rule(const model::DbusRule& rule) {
  std::string out = std::string(name_of(rule.type)) + " " + rule.name + "=" + rule.interface;
  if (!rule.member.empty()) out += (rule.interface.empty() ? "*." : ".") + rule.member;
  if (!rule.path.empty()) out += "@" + rule.path;
  for (const auto& [number, value] : rule.args) out += " arg" + number + "=" + text::quoted(value);
  if (rule.fds) out += " with " + text::number(*rule.fds) + " descriptors";
  return out;
}

std::string describe_dbus(const model::DbusRules& dbus) {
  if (dbus.all) return "dbus: everything";
  std::vector<std::string> parts;
  const auto add = [&](std::string_view verb, const std::vector<std::string>& names) {
    if (!names.empty()) parts.push_back(std::string(verb) + " " + text::join(names, ","));
  };
  add("see", dbus.see);
  add("talk", dbus.talk);
  add("own", dbus.own);
  add("call", dbus.call);
  add("broadcast", dbus.broadcast);
  add("interface", dbus.interface);
  for (const model::DbusRule& rule : dbus.rules) parts.push_back(describe_dbus_rule(rule));
  if (parts.empty()) parts.emplace_back("nothing");
  if (dbus.write) parts.emplace_back("set properties");
  if (!dbus.introspect) parts.emplace_back("no introspection");
  if (dbus.unique_names) parts.emplace_back("see every connection");
  if (dbus.fds != model::DbusRules{}.fds) parts.push_back(text::number(dbus.fds) + " descriptors a message");
  return "dbus: " + text::join(parts, "; ");
}

std::string describe_wayland(const model::WaylandRules& wayland) {
  const std::string roles =
      wayland.roles.empty() ? std::string(model::default_wayland_role) : text::join(wayland.roles, "+");
  std::string line = "wayland: " + roles;
  if (!wayland.add.empty()) line += "; also " + text::join(wayland.add, ",");
  if (!wayland.remove.empty()) line += "; not " + text::join(wayland.remove, ",");
  const auto add = [&line](std::string_view what, const model::WaylandName& name) {
    if (!name.pin.empty()) line += "; " + std::string(what) + " is " + text::quoted(name.pin);
    if (!name.prefix.empty()) line += "; " + std::string(what) + " begins with " + text::quoted(name.prefix);
  };
  add("app id", wayland.app_id);
  add("title", wayland.title);
  return line;
}

std::string describe_vchan(const model::VchanRules& vchan) {
  const auto list = [](const std::optional<std::vector<std::uint32_t>>& numbers) {
    if (!numbers) return std::string("any");
    std::vector<std::string> words;
    for (const std::uint32_t number : *numbers) words.push_back(text::number(number));
    return words.empty() ? "none" : text::join(words, ",");
  };
  return "vchan: domains " + list(vchan.domains) + ", ports " + list(vchan.ports) +
         (vchan.shm ? "" : ", no shared memory");
}

/// A line for each protocol the rules speak of, as far as it can matter to the link.
std::vector<std::string> describe_rules(const model::RoleRules& rules, const model::Link& link) {
  const auto matters = [&](model::Type type) { return link.type_assumed || link.type == type; };
  std::vector<std::string> lines;
  if (rules.rest && matters(model::Type::rest)) lines.push_back(describe_rest(*rules.rest));
  if (rules.dbus && matters(model::Type::dbus)) lines.push_back(describe_dbus(*rules.dbus));
  if (rules.wayland && matters(model::Type::wayland)) lines.push_back(describe_wayland(*rules.wayland));
  if (rules.uid && matters(model::Type::dbus)) lines.push_back("is user " + text::number(*rules.uid) + " on the bus");
  if (rules.raw_unix && matters(model::Type::raw_unix))
    lines.push_back("unix: " + text::number(rules.raw_unix->fds) + " descriptors a message");
  if (rules.vchan && matters(model::Type::vchan)) lines.push_back(describe_vchan(*rules.vchan));
  if (lines.empty()) lines.emplace_back("what the provider grants");
  return lines;
}

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (; mode != 0; mode /= 8) digits.insert(digits.begin(), static_cast<char>('0' + mode % 8));
  return "0" + digits;
}

/// What is granted of a device, and what makes it the right one.
void describe_device(const model::Device& device, std::vector<Row>& rows) {
  const auto& node = device.node;
  const std::string driver = device.driver.empty() ? "" : ", driver " + shown(device.driver);
  rows.push_back({"device", describe_node(node) + driver});
  if (!device.hardware.empty()) rows.push_back({"of", shown(device.hardware)});
  if (!device.pair.empty()) rows.push_back({"pair", shown(device.pair)});
  if (device.connector) {
    const std::string which = device.connector->empty() ? "the first free connector" : shown(*device.connector);
    rows.push_back({"lease", which + "; the card itself stays outside"});
    return;
  }
  if (device.lent) {
    rows.push_back({"owner", "the host's own node, as it is, if the user may open it"});
    return;
  }
  const auto& rules = device.rules;
  rows.push_back({"owner", text::number(rules.uid) + ":" + text::number(rules.gid) + ", mode " + octal(rules.mode)});
  const std::string rule = "c " + text::number(node.major) + ":" + text::number(node.minor) + " rw";
  if (!node.name.empty()) rows.push_back({"cgroup", "allows " + rule + " and nothing else of it"});
}

std::string describe_link(const model::Link& link) {
  const std::string type = std::string(name_of(link.type)) + (link.type_assumed ? " (assumed)" : "");
  std::vector<Row> rows{
      {"role", shown(link.role)},
      {"type",
       link.socket_kind == model::SocketKind::stream ? type : type + ", " + std::string(name_of(link.socket_kind))},
      {"from", link.provider.empty() ? "whoever offers it" : shown(link.provider)}};
  if (link.direct) rows.push_back({"via", "the provider's own socket, with nothing in between"});
  if (link.device) describe_device(*link.device, rows);
  if (link.places.size() > 1)
    rows.push_back({"else", shown(text::join({link.places.begin() + 1, link.places.end()}, ", "))});
  for (const model::Attempt& attempt : link.passed_over)
    rows.push_back({"not", shown(attempt.place + ": " + attempt.reason)});
  for (const model::ProviderGrant& grant : link.grants)
    for (const std::string& line : describe_rules(grant.rules, link))
      rows.push_back({"may", shown(line) + (grant.provider == "*" ? "" : " (from " + shown(grant.provider) + ")")});
  if (link.asks && (link.type_assumed || link.type == model::Type::dbus))
    rows.push_back({"asks", shown(describe_dbus(*link.asks))});
  return "  " + shown(link.target) + "  " + shown(link.service) + (link.required ? ", required\n" : ", optional\n") +
         table(rows, 6);
}

std::string describe_offers(const model::Plan& plan) {
  std::vector<Row> rows;
  for (const model::Offer& offer : plan.offers) {
    std::string roles = "any role";
    if (offer.allow) roles = "roles " + (offer.allow->empty() ? "none" : text::join(*offer.allow, ", "));
    const std::string told = offer.identity ? ", told by " + std::string(name_of(*offer.identity)) : "";
    rows.push_back({shown(offer.name), std::string(name_of(offer.type)) + told,
                    offer.socket.empty() ? "owns " + shown(offer.owns) : shown(offer.socket), shown(roles)});
  }
  const std::string_view author = plan.offers_origin == model::Origin::host ? "a host manifest" : "the image itself";
  return "\noffers, declared by " + std::string(author) + "\n" + table(rows, 2);
}

std::string_view meaning(model::StepKind kind) {
  switch (kind) {
    case model::StepKind::record: return "write the container's record";
    case model::StepKind::publish: return "enter its offers in the registry";
    case model::StepKind::listen: return "make the listening socket for";
    case model::StepKind::stage: return "make the device node for";
    case model::StepKind::plant: return "make it appear in the container at";
    case model::StepKind::allow: return "let the container's control group open";
    case model::StepKind::launch: return "start the shim and wait until it is ready";
    case model::StepKind::count_: return "?";
  }
  return "?";
}

std::string describe_steps(const model::Plan& plan) {
  std::vector<Row> rows;
  for (const model::Step& step : plan.steps) {
    std::string what(meaning(step.kind));
    if (concerns_a_link(step.kind) && step.link < plan.links.size()) {
      const model::Link& link = plan.links[step.link];
      const bool planted = step.kind == model::StepKind::plant;
      const bool allowed = step.kind == model::StepKind::allow && link.device;
      if (step.kind == model::StepKind::stage && link.device && link.device->lent) what = "lend the host's node for";
      const auto redirected = planted ? model::redirected_path(link.target) : std::nullopt;
      if (redirected) what = "redirect connect(2) of its programs to";
      what += " " + shown(redirected ? *redirected
                          : planted  ? link.target
                          : allowed  ? describe_node(link.device->node)
                                     : link.service);
    }
    rows.push_back({text::number(std::uint64_t{rows.size() + 1}), std::string(name_of(step.kind)), what});
  }
  return "\nsteps\n" + table(rows, 2);
}

/// What one document says of a bus: any of its alternatives suffices.
std::string describe_layer(const model::Layer& layer) {
  std::vector<std::string> alternatives;
  for (const model::RoleRules& rules : layer.any) {
    if (!rules.dbus) return "anything";
    alternatives.push_back(describe_dbus(*rules.dbus).substr(std::string_view("dbus: ").size()));
  }
  return alternatives.empty() ? "nothing" : text::join(alternatives, " or ");
}

}  // namespace

std::string describe_bus(const model::Rights& rights) {
  constexpr std::array<std::string_view, 3> whose{"host policy", "the provider", "the container's own wish"};
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < rights.layers.size() && i < whose.size(); ++i)
    parts.push_back(std::string(whose[i]) + " (" + describe_layer(rights.layers[i]) + ")");
  return text::join(parts, ", ");
}

std::string describe(const model::Plan& plan) {
  const model::Container& container = plan.container;
  std::vector<Row> rows{{"engine", std::string(name_of(container.engine))}};
  if (container.pid != 0) rows.push_back({"pid", text::number(container.pid)});
  if (!container.bundle.empty()) rows.push_back({"bundle", shown(container.bundle)});
  if (!container.root.empty()) rows.push_back({"root", shown(container.root)});
  std::string out = "container " + shown(container.name) + "\n" + table(rows, 2);
  if (!plan.links.empty()) out += "\nlinks\n";
  for (const model::Link& link : plan.links) out += describe_link(link);
  if (!plan.offers.empty()) out += describe_offers(plan);
  out += plan.steps.empty() ? "\nnothing to do\n" : describe_steps(plan);
  if (!plan.notes.empty()) out += "\nnotes\n";
  for (const model::Note& note : plan.notes) out += (note.warning ? "  warning: " : "  ") + shown(note.text) + "\n";
  return out;
}

std::string describe_json(const model::Plan& plan) {
  const model::Container& c = plan.container;
  PlanView view{
      {c.engine, c.name, c.pid, c.bundle, c.root}, plan.links, plan.offers, plan.offers_origin, {}, plan.notes};
  for (model::Link& link : view.links)
    if (!link.token.empty()) link.token = "(set)";
  for (const model::Step& step : plan.steps)
    view.steps.push_back({step.kind, concerns_a_link(step.kind) ? std::optional(step.link) : std::nullopt});
  return to_json(std::move(view));
}

}  // namespace xc::plan
