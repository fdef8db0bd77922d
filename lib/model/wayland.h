// Words of Wayland rights. Structs only.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace xc::model {

/// Roles of a Wayland link; what each shows stands in lib/mediate/wl_roles.list.
inline constexpr std::array<std::string_view, 8> wayland_roles{"base",  "ui",      "gpu",   "game",
                                                               "shell", "capture", "input", "admin"};
/// The role of a link whose documents name none.
inline constexpr std::string_view default_wayland_role = "ui";

/// What becomes of a name that a client gives its windows. "{client}" in a text is the container's name.
struct WaylandName {
  std::string prefix;  ///< put in front
  std::string pin;     ///< put in its place, and set when the client sets none
};
template <class A>
void fields(A& a, WaylandName& n) {
  a("prefix", n.prefix);
  a("pin", n.pin);
}

/// What a role may do with a Wayland display: globals of any of `roles` and of `add`, but not of `remove`.
struct WaylandRules {
  std::vector<std::string> roles;   ///< of wayland_roles; empty = the default one
  std::vector<std::string> add;     ///< names of interfaces
  std::vector<std::string> remove;  ///< the same; stronger than the others
  WaylandName app_id;
  WaylandName title;
};
template <class A>
void fields(A& a, WaylandRules& r) {
  a("roles", r.roles);
  a("add", r.add);
  a("remove", r.remove);
  a("app-id", r.app_id);
  a("title", r.title);
}

}  // namespace xc::model
