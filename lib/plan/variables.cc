// See variables.h.
#include "plan/variables.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "model/address.h"
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

/// A client of a redirected path connects as to any other.
std::string_view target_of(const model::Link& link) {
  return model::redirected_path(link.target).value_or(link.target);
}

void add_by_type(const model::Link& link, Variables& variables) {
  const std::string_view target = target_of(link);
  const bool path = target.starts_with('/');
  if (link.type == model::Type::wayland && path) variables.try_emplace("WAYLAND_DISPLAY", target);
  if (link.type == model::Type::dbus && (path || target.starts_with('@')))
    variables.try_emplace(is_session_bus(link.service) ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS",
                          bus_address(target));
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
    for (const auto& [name, value] : wanted.env) variables[name] = filled(value, target_of(*link));
  }
  return variables;
}

bool has_variable(const model::Link& link, const model::Manifest& wants) {
  Variables by_type;
  add_by_type(link, by_type);
  by_type.erase("VCHAN_DOMAIN");
  const auto names_it = [&](const model::Requirement& wanted) {
    return wanted.name == link.service && wanted.role == link.role &&
           std::ranges::any_of(wanted.env, [](const auto& one) { return one.second.contains(placeholder); });
  };
  return !by_type.empty() || std::ranges::any_of(wants.requirements, names_it);
}

std::string variable_for(std::string_view service, std::string_view end) {
  std::string name = "XC_";
  for (const char c : service) {
    const bool small = c >= 'a' && c <= 'z';
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    name += small ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
  }
  return name.append("_").append(end);
}

std::string token_variable(std::string_view service) {
  return variable_for(service, "TOKEN");
}

bool is_token(std::string_view token) {
  return token.size() >= 16 && token.size() <= 256 &&
         std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace xc::plan
