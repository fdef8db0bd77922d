// See variables.h.
#include "plan/variables.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "plan/auto_places.h"

namespace xc::plan {
namespace {

using Variables = std::map<std::string, std::string>;

constexpr std::string_view placeholder = "{target}";

/// A byte of a D-Bus address that need not be escaped (D-Bus specification, "Server Addresses").
bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-_/.\\*").find(c) != std::string_view::npos;
}

std::string bus_address(std::string_view target) {
  constexpr std::string_view digits = "0123456789abcdef";
  const bool abstract = target.starts_with('@');
  std::string address = abstract ? "unix:abstract=" : "unix:path=";
  for (const char c : target.substr(abstract ? 1 : 0)) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c))
      address += c;
    else
      address += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return address;
}

std::string filled(std::string text, std::string_view target) {
  for (auto at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at + target.size()))
    text.replace(at, placeholder.size(), target);
  return text;
}

void add_by_type(const model::Link& link, Variables& variables) {
  const bool path = link.target.starts_with('/');
  if (link.type == model::Type::wayland && path) variables.try_emplace("WAYLAND_DISPLAY", link.target);
  if (link.type == model::Type::dbus && (path || link.target.starts_with('@')))
    variables.try_emplace(is_session_bus(link.service) ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS",
                          bus_address(link.target));
  if (link.vchan) variables.try_emplace("VCHAN_DOMAIN", text::number(std::uint64_t{link.vchan->client}));
}

}  // namespace

Variables variables_of(const std::vector<model::Link>& links, const model::Manifest& wants) {
  Variables variables;
  for (const model::Link& link : links) add_by_type(link, variables);
  for (const model::Requirement& wanted : wants.requirements) {
    const auto link = std::ranges::find_if(
        links, [&](const auto& one) { return one.service == wanted.name && one.role == wanted.role; });
    if (link == links.end()) continue;
    for (const auto& [name, value] : wanted.env) variables[name] = filled(value, link->target);
  }
  return variables;
}

}  // namespace xc::plan
