#include "plan/devices.h"

#include <algorithm>

#include "base/text.h"
#include "grant/effective.h"
#include "plan/rules.h"

namespace xc::plan {
namespace {

using text::quoted;

/// "dri/card7" for "dri/card": the prefix and a number.
bool is_numbered(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && text::parse_number(name.substr(prefix.size())).has_value();
}

model::DeviceKind kind_of_name(std::string_view name) {
  if (is_numbered(name, "dri/card")) return model::DeviceKind::card;
  if (is_numbered(name, "dri/renderD")) return model::DeviceKind::render;
  return name.starts_with("input/") ? model::DeviceKind::input : model::DeviceKind::other;
}

std::string words_for(model::DeviceKind kind) {
  return kind == model::DeviceKind::card ? "a card" : "a render node";
}

bool is_lease(std::string_view role) {
  return role == "lease" || role.starts_with(lease_of);
}

/// Whose word a device may be taken on.
Result<> check_author(const model::Link& link, const model::Offered& offered) {
  if (offered.origin == model::Origin::image)
    return fail(Kind::policy, "the image of " + quoted(offered.provider) + " offers the device " +
                                  quoted(link.service) +
                                  ": only a manifest of the host may, or an image that host policy lists");
  if (link.type == model::Type::drm || offered.provider.empty()) return {};
  return fail(Kind::policy, "devices of type " + quoted(name_of(link.type)) +
                                " are granted where the host names them: " + quoted(offered.provider) + " offers " +
                                quoted(link.service) + "; declare it in /etc/xconnect/services.d");
}

Result<> check_kernels_word(const model::NodeFacts& facts) {
  const std::string what = "device " + quoted(facts.path);
  if (!facts.problem.empty()) return fail(Kind::plant, what + ": " + facts.problem);
  if (facts.file_type != "character device")
    return fail(Kind::plant, what + " is a " + facts.file_type + ", not a character device");
  const std::string number = text::number(facts.node.major) + ":" + text::number(facts.node.minor);
  if (facts.node.name.empty())
    return fail(Kind::plant, what + " bears the number " + number + ", for which the kernel has no device");
  if (facts.path.ends_with("/" + facts.node.name)) return {};
  return fail(Kind::plant, what + " bears the number " + number + ", which the kernel calls " +
                               quoted("/dev/" + facts.node.name) + "; offer it under that name");
}

Result<> check_subsystem(const model::Link& link, const model::NodeFacts& facts) {
  const bool display = facts.subsystem == "drm";
  const bool input = facts.subsystem == "input";
  const auto kind = kind_of_name(facts.node.name);
  const std::string what = "device " + quoted(facts.path);
  if (link.type == model::Type::drm) {
    if (display && (kind == model::DeviceKind::card || kind == model::DeviceKind::render)) return {};
    return fail(Kind::plant, what + " is no DRM card and no render node: the kernel has it among " +
                                 quoted(facts.subsystem.empty() ? "no subsystem" : facts.subsystem));
  }
  if (link.type == model::Type::input) {
    if (input && kind == model::DeviceKind::input) return {};
    return fail(Kind::plant, what + " is no input device: the kernel has it among " +
                                 quoted(facts.subsystem.empty() ? "no subsystem" : facts.subsystem));
  }
  if (!display && !input) return {};
  return fail(Kind::plant, what + " is offered as \"char\"; offer it as " + quoted(display ? "drm" : "input") +
                               ", which has rules for such devices");
}

const model::NodeName* sibling_of(const model::NodeFacts& facts, model::DeviceKind kind) {
  const auto found =
      std::ranges::find_if(facts.siblings, [&](const auto& node) { return kind_of_name(node.name) == kind; });
  return found == facts.siblings.end() ? nullptr : &*found;
}

/// The node that the role asks for, when it is the one that was offered or stands beside it on the same hardware. Who
/// offers a render node has not offered the screen.
Result<model::NodeName> node_for_role(const model::Link& link, const model::NodeFacts& facts) {
  using enum model::DeviceKind;
  if (link.type != model::Type::drm || link.role == "any") return facts.node;
  const auto wanted = link.role == "render" ? render : card;
  const auto offered = kind_of_name(facts.node.name);
  if (wanted == offered) return facts.node;
  const std::string what = "device " + quoted(facts.path) + " is " + words_for(offered);
  if (wanted == card) return fail(Kind::plant, what + ", and the role " + quoted(link.role) + " needs a card");
  if (const auto* pair = sibling_of(facts, render)) return *pair;
  return fail(Kind::plant, what + ", whose hardware has no render node");
}

}  // namespace

Result<> check_device_role(const model::Link& link) {
  const std::string& role = link.role;
  if (link.type != model::Type::drm || role == "any" || role == "master" || role == "render" || is_lease(role))
    return {};
  return fail(Kind::manifest,
              "role " + quoted(role) + " is none of a display: expected master, render, lease or lease:CONNECTOR");
}

Result<model::Device> identify(const model::Link& link, const model::Offered& offered,
                               const std::vector<model::NodeFacts>& nodes) {
  XC_CHECK(check_author(link, offered));
  const auto facts = std::ranges::find_if(
      nodes, [&](const auto& one) { return one.provider == offered.provider && one.path == offered.offer.socket; });
  if (facts == nodes.end()) return fail(Kind::internal, "nobody looked at the device " + quoted(offered.offer.socket));
  XC_CHECK(check_kernels_word(*facts));
  XC_CHECK(check_subsystem(link, *facts));
  model::Device device = device_in_words(link);
  device.node = XC_TRY(node_for_role(link, *facts));
  device.kind = kind_of_name(device.node.name);
  device.driver = facts->driver;
  device.hardware = facts->hardware;
  using enum model::DeviceKind;
  const auto* pair = device.kind == card     ? sibling_of(*facts, render)
                     : device.kind == render ? sibling_of(*facts, card)
                                             : nullptr;
  if (pair != nullptr) device.pair = pair->name;
  return device;
}

Result<> lend(model::Device& device) {
  if (device.connector)
    return fail(Kind::plant,
                "a lease needs a card that is kept open for all who lease from it, which only root's shims share; "
                "without root ask for the role \"master\" or \"render\"");
  const model::DeviceRules plain;
  const auto& rules = device.rules;
  if (rules.uid != plain.uid || rules.gid != plain.gid || rules.mode != plain.mode)
    return fail(Kind::plant,
                "owner and mode of the device are set by its rules, and without root its node is the host's as it is: "
                "leave uid, gid and mode out");
  device.lent = true;
  return {};
}

model::Device device_in_words(const model::Link& link) {
  model::Device device;
  if (link.type == model::Type::input) device.kind = model::DeviceKind::input;
  if (link.type != model::Type::drm) return device;
  device.kind = link.role == "render" ? model::DeviceKind::render : model::DeviceKind::card;
  if (is_lease(link.role)) device.connector = link.role.substr(std::min(link.role.size(), lease_of.size()));
  return device;
}

std::string describe_node(const model::NodeName& node) {
  if (node.name.empty()) return "not known from files alone";
  return "c " + text::number(node.major) + ":" + text::number(node.minor) + " " + node.name;
}

}  // namespace xc::plan
