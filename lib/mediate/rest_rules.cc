#include "mediate/rest_rules.h"

#include <algorithm>

#include "base/text.h"

namespace xc::mediate {

bool restricts(const model::RestRules& rules) {
  return !rules.all;
}

bool allows_request(const model::RestRules& rules, std::string_view method, const http::Target& target) {
  if (rules.all) return true;
  if (target.doubtful) return false;
  return std::ranges::any_of(rules.rules, [&](const model::RestRule& rule) {
    const auto& methods = rule.methods;
    return std::ranges::any_of(methods, [&](const std::string& m) { return m == "*" || m == method; }) &&
           std::ranges::any_of(rule.paths, [&](const std::string& p) { return http::matches_path(p, target.path); });
  });
}

std::string describe(const model::RestRules& rules) {
  constexpr std::size_t longest = 300;
  std::string line;
  for (const model::RestRule& rule : rules.rules) {
    if (!line.empty()) line += " | ";
    line += text::join(rule.methods, ",") + ' ' + text::join(rule.paths, ",");
    if (line.size() <= longest) continue;
    line.resize(longest);
    return line + "...";
  }
  return line.empty() ? "nothing is allowed" : line;
}

bool restricts(const model::Rights& rights) {
  return !model::permits(rights, &model::RoleRules::rest, [](const auto& rules) { return !restricts(rules); });
}

bool allows_request(const model::Rights& rights, std::string_view method, const http::Target& target) {
  return model::permits(rights, &model::RoleRules::rest,
                        [&](const auto& rules) { return allows_request(rules, method, target); });
}

bool allows_upgrade(const model::Rights& rights, std::string_view method, const http::Target& target) {
  return model::grants(rights, &model::RoleRules::rest,
                       [&](const auto& rules) { return rules.upgrade && allows_request(rules, method, target); });
}

std::string describe_refusal(const model::Rights& rights, std::string_view method, const http::Target& target) {
  for (const model::Layer& layer : rights.layers) {
    if (allows_request(model::Rights{{layer}}, method, target)) continue;
    std::string text;
    for (const model::RoleRules& rules : layer.any)
      if (rules.rest) text += (text.empty() ? "" : " | ") + describe(*rules.rest);
    return text;
  }
  return {};
}

}  // namespace xc::mediate
