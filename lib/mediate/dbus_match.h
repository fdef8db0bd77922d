// Match rules (specification, "Match Rules"), parsed whole and written again by us, so that the bus reads exactly what
// was judged. The client's rules are kept, because our own subscription to NameOwnerChanged must not become the
// client's.
//
// Pure; runs in the worker. Must never let an eavesdropping rule out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xc::mediate::dbus {

/// Longest rule, as in the bus (DBUS_MAXIMUM_MATCH_RULE_LENGTH).
inline constexpr std::size_t max_match_rule = 1024;

/// The arguments of NameOwnerChanged; an empty owner means none.
struct OwnerChange {
  std::string_view name;
  std::string_view before;
  std::string_view after;
};

/// A rule by its keys ("type", "sender", "arg0", "arg3path", ...).
struct MatchRule {
  std::map<std::string, std::string, std::less<>> keys;

  /// The rule as text: every key once, in one order, every value quoted.
  [[nodiscard]] std::string text() const;
  /// True when the rule selects this signal of the bus.
  [[nodiscard]] bool selects(const OwnerChange& change) const;
};

/// Kind::manifest: not a rule. Kind::policy: a rule that listens to messages of others (eavesdrop).
[[nodiscard]] Result<MatchRule> parse_match(std::string_view text);

/// The rules a client has added, counted as the bus counts them. Bounded.
class MatchRules {
 public:
  static constexpr std::size_t capacity = 1024;

  /// False when the client has as many as it may have.
  [[nodiscard]] bool add(MatchRule rule);
  /// Removes one of the rules equal to `text` (MatchRule::text()); false when there is none.
  bool remove(std::string_view text);
  /// True when any rule selects the change.
  [[nodiscard]] bool select(const OwnerChange& change) const;

 private:
  struct Kept {
    MatchRule rule;
    std::size_t times = 1;
  };
  std::map<std::string, Kept, std::less<>> rules_;
  std::size_t count_ = 0;
};

}  // namespace xc::mediate::dbus
