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

std::uint64_t body_limit(const model::Rights& rights, std::string_view method, const http::Target& target) {
  constexpr std::uint64_t unlimited = UINT64_MAX;
  std::uint64_t limit = unlimited;
  for (const model::Layer& layer : rights.layers) {
    std::uint64_t most = 0;
    for (const model::RoleRules& rules : layer.any) {
      const bool allows = !rules.rest || allows_request(*rules.rest, method, target);
      if (allows) most = std::max(most, rules.rest ? rules.rest->body.value_or(unlimited) : unlimited);
    }
    limit = std::min(limit, most);
  }
  return limit;
}

std::optional<std::chrono::seconds> response_wait(const model::Rights& rights) {
  const auto order = [](std::uint32_t seconds) { return seconds == 0 ? UINT32_MAX : seconds; };
  std::optional<std::uint32_t> least;
  for (const model::Layer& layer : rights.layers) {
    std::optional<std::uint32_t> most;  // any alternative suffices, so the most patient one counts
    for (const model::RoleRules& rules : layer.any)
      if (rules.rest && rules.rest->wait && (!most || order(*rules.rest->wait) > order(*most))) most = rules.rest->wait;
    if (most && (!least || order(*most) < order(*least))) least = most;
  }
  if (!least) return std::nullopt;
  return std::chrono::seconds(*least);
}

bool speaks_h2c(const model::Rights& rights) {
  return std::ranges::any_of(rights.layers, [](const model::Layer& layer) {
    return std::ranges::any_of(layer.any,
                               [](const auto& rules) { return rules.rest && rules.rest->protocol == "h2c"; });
  });
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
