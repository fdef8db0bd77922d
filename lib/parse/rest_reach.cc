// See rest_reach.h.
#include "parse/rest_reach.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "base/text.h"
#include "base/uri_path.h"
#include "parse/field.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_steps = 50'000;  // of comparing the rules of one role

using Segments = std::span<const std::string_view>;

/// Whether one pattern matches all that another one matches; what is not sure is not said.
class Comparison {
 public:
  [[nodiscard]] bool covers(std::string_view wide, std::string_view narrow) {
    const auto outer = text::split(wide.substr(1), '/');
    const auto inner = text::split(narrow.substr(1), '/');
    return covers(Segments(outer), Segments(inner));
  }

 private:
  bool covers(Segments wide, Segments narrow) {
    if (steps_ == most_steps) return false;
    ++steps_;
    if (wide.empty()) return narrow.empty();
    if (wide.front() == "**")
      return covers(wide.subspan(1), narrow) || (!narrow.empty() && covers(wide, narrow.subspan(1)));
    if (narrow.empty() || narrow.front() == "**") return false;
    const bool same = wide.front() == narrow.front() || (wide.front() == "*" && !narrow.front().empty());
    return same && covers(wide.subspan(1), narrow.subspan(1));
  }

  std::size_t steps_ = 0;
};

bool has_method(const model::RestRule& rule, const std::string& method) {
  return std::ranges::any_of(rule.methods, [&](const std::string& one) { return one == "*" || one == method; });
}

/// Each method with each path, by any rule of those before.
bool is_covered(std::span<const model::RestRule> before, const model::RestRule& rule, Comparison& comparison) {
  return std::ranges::all_of(rule.methods, [&](const std::string& method) {
    return std::ranges::all_of(rule.paths, [&](const std::string& path) {
      return std::ranges::any_of(before, [&](const model::RestRule& wide) {
        return has_method(wide, method) && std::ranges::any_of(wide.paths, [&](const std::string& pattern) {
                 return comparison.covers(pattern, path);
               });
      });
    });
  });
}

/// Why no path equals the pattern, and what to do; empty when one may.
std::string fault_of(const std::string& pattern) {
  std::string normal;
  bool doubtful = false;
  switch (text::normal_path(pattern, normal, doubtful)) {
    case text::PathFault::grammar:
      return "is in no request: it has a character that a path cannot have, or a % without two digits; write such "
             "characters as %XX, or remove it";
    case text::PathFault::climbs: return "is in no request: it climbs above the root; remove it";
    case text::PathFault::none: break;
  }
  if (doubtful)
    return "matches no request: servers differ about \";\" and an encoded \"/\", \"\\\", \"%\", control character or "
           "overlong UTF-8, so no rule allows a path with one; remove it";
  if (normal == pattern) return {};
  return "matches no request: what is judged is the path in its normal form; write " + text::quoted(normal);
}

void warn_of_words(View rule, std::string_view member, std::vector<std::string>& warnings,
                   std::string (*fault)(const std::string&)) {
  const auto list = rule.find(member);
  if (!list) return;
  for (const View word : list->children())
    if (const std::string why = fault(word.text()); !why.empty()) warn(word, why, warnings);
}

std::string fault_of_method(const std::string& method) {
  if (method != "CONNECT" && method != "TRACE") return {};
  return "is served to nobody (501): CONNECT and TRACE are not spoken; remove it";
}

}  // namespace

void warn_of_unreachable(const std::vector<View>& views, const std::vector<model::RestRule>& rules,
                         std::vector<std::string>& warnings) {
  Comparison comparison;
  for (std::size_t i = 0; i < rules.size() && i < views.size(); ++i) {
    warn_of_words(views[i], "methods", warnings, fault_of_method);
    warn_of_words(views[i], "paths", warnings, fault_of);
    if (i > 0 && is_covered(std::span(rules).first(i), rules[i], comparison))
      warn(views[i], "has no effect: the rules before it allow all that it allows; remove it", warnings);
  }
}

}  // namespace xc::parse
