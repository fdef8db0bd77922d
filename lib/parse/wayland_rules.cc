// Rules for Wayland displays; see the header. Runs where documents are parsed.
#include "parse/wayland_rules.h"

#include <algorithm>

#include "parse/words.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_interfaces = 256;
constexpr std::size_t longest_name = 128;  // of an interface, and of a text for windows

bool fits_role(std::string_view text) {
  return std::ranges::find(model::wayland_roles, text) != model::wayland_roles.end();
}

bool fits_interface(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, fits) &&
         (text.front() < '0' || text.front() > '9');
}

bool fits_label(std::string_view text) {
  return is_plain(text) && text.size() <= longest_name;
}

const Word role{fits_role, "a Wayland role: base, ui, gpu, game, shell, capture, input or admin"};
const Word interface{fits_interface, "the name of a Wayland interface such as \"xdg_wm_base\""};
const Word label{fits_label, "a string of 1 to 128 bytes without control characters"};

Result<std::vector<std::string>> read_roles_of(View view) {
  if (!view.is(Form::list)) return std::vector{XC_TRY(read_word(view, role))};
  return read_words(view, role, 1, model::wayland_roles.size());
}

Result<model::WaylandName> read_name(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"prefix\" or \"pin\"");
  XC_CHECK(refuse_others(view, {"prefix", "pin"}));
  model::WaylandName name;
  XC_CHECK(read_key_if(view, "prefix", label, name.prefix));
  XC_CHECK(read_key_if(view, "pin", label, name.pin));
  if (name.prefix.empty() == name.pin.empty()) return view.fail("says either \"prefix\" or \"pin\"");
  return name;
}

bool is_name(const model::WaylandName& name) {
  const auto fits = [](const std::string& text) { return text.empty() || fits_label(text); };
  return fits(name.prefix) && fits(name.pin) && (name.prefix.empty() || name.pin.empty());
}

}  // namespace

Result<model::WaylandRules> read_wayland(View view) {
  model::WaylandRules rules;
  if (view.is(Form::string) || view.is(Form::list)) {
    rules.roles = XC_TRY(read_roles_of(view));
    return rules;
  }
  if (!view.is(Form::object))
    return view.expected("the name of a role, a list of them, or an object with \"roles\", \"add\" or \"remove\"");
  XC_CHECK(refuse_others(view, {"roles", "add", "remove", "app-id", "title"}));
  if (const auto roles = view.find("roles")) rules.roles = XC_TRY(read_roles_of(*roles));
  if (const auto add = view.find("add")) rules.add = XC_TRY(read_words(*add, interface, 0, most_interfaces));
  if (const auto remove = view.find("remove"))
    rules.remove = XC_TRY(read_words(*remove, interface, 0, most_interfaces));
  if (const auto name = view.find("app-id")) rules.app_id = XC_TRY(read_name(*name));
  if (const auto name = view.find("title")) rules.title = XC_TRY(read_name(*name));
  return rules;
}

bool is_wayland(const model::WaylandRules& rules) {
  return rules.roles.size() <= model::wayland_roles.size() && std::ranges::all_of(rules.roles, fits_role) &&
         rules.add.size() <= most_interfaces && rules.remove.size() <= most_interfaces &&
         std::ranges::all_of(rules.add, fits_interface) && std::ranges::all_of(rules.remove, fits_interface) &&
         is_name(rules.app_id) && is_name(rules.title);
}

}  // namespace xc::parse
