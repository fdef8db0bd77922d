// Rights of one Wayland link; see the header. Pure; runs in the worker.
#include "mediate/wl_policy.h"

#include <algorithm>

#include "mediate/wl_wire.h"

namespace xc::mediate::wl {
namespace {

constexpr std::string_view gpu_role = "gpu";  // more than the default role only for a consumer that has a GPU
constexpr std::size_t longest_text = max_message - header_size - 4 - 1;  // of a string in the longest message

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

std::string filled(std::string text, std::string_view client) {
  constexpr std::string_view mark = "{client}";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + client.size()))
    text.replace(at, mark.size(), client);
  return text;
}

/// The first document that says something about the name decides.
model::WaylandName name_in(const model::Rights& rights, model::WaylandName model::WaylandRules::* which,
                           std::string_view client) {
  for (const model::Layer& layer : rights.layers)
    for (const model::RoleRules& rules : layer.any) {
      if (!rules.wayland) continue;
      const model::WaylandName& name = *rules.wayland.*which;
      if (!name.prefix.empty() || !name.pin.empty()) return {filled(name.prefix, client), filled(name.pin, client)};
    }
  return {};
}

/// At most that many bytes, without half a character at the end (UTF-8).
std::string shortened(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80) --most;
  text.resize(most);
  return text;
}

}  // namespace

Policy::Policy(const model::Rights& rights, std::string_view client)
    : rights_(rights),
      app_id_(name_in(rights, &model::WaylandRules::app_id, client)),
      title_(name_in(rights, &model::WaylandRules::title, client)) {}

bool Policy::shows(InterfaceId interface) const {
  if (is_never_shown(interface)) return false;
  const std::string_view name = name_of(interface);
  const auto allows = [&](const model::WaylandRules& rules) {
    if (names(rules.remove, name)) return false;
    if (names(rules.add, name)) return true;
    if (rules.roles.empty()) return role_shows(model::default_wayland_role, interface);
    return std::ranges::any_of(rules.roles, [&](const std::string& role) {
      return role_shows(role == gpu_role && !rights_.render_node ? model::default_wayland_role : role, interface);
    });
  };
  if (role_shows(model::default_wayland_role, interface))
    return model::permits(rights_, &model::RoleRules::wayland, allows);
  return model::grants(rights_, &model::RoleRules::wayland, allows);
}

std::string Policy::rewritten(Identity kind, std::string_view text) const {
  return shortened(pin(kind).empty() ? prefix(kind) + std::string(text) : pin(kind), longest_text);
}

}  // namespace xc::mediate::wl
