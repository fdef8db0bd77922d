// Match rules; see the header. Pure, runs in the worker.
#include "mediate/dbus_match.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

constexpr std::uint64_t max_argument = 63;
constexpr std::string_view blanks = " \t\r\n";  // around keys, as the buses read them

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Kind::manifest, "match rule: " + std::string(what));
}

/// "arg12path" -> 12, "path". Empty optional when `key` is no such key.
struct ArgumentKey {
  std::uint64_t number = 0;
  std::string_view form;  // "", "path" or "namespace"
};

std::optional<ArgumentKey> argument_key(std::string_view key) {
  if (!key.starts_with("arg")) return std::nullopt;
  key.remove_prefix(3);
  const std::size_t digits = std::min(key.find_first_not_of("0123456789"), key.size());
  const auto number = text::parse_number(key.substr(0, digits));
  const std::string_view form = key.substr(digits);
  if (!number || *number > max_argument) return std::nullopt;
  if (!form.empty() && form != "path" && !(form == "namespace" && *number == 0)) return std::nullopt;
  return ArgumentKey{*number, form};
}

bool is_type(std::string_view value) {
  constexpr std::array<std::string_view, 4> types = {"signal", "method_call", "method_return", "error"};
  return std::ranges::find(types, value) != types.end();
}

/// The first elements of a bus name or interface, one or more.
bool is_name_prefix(std::string_view value) {
  return is_bus_name(value) || is_bus_name(std::string(value) + ".x");
}

Result<> check_key(std::string_view key, std::string_view value) {
  bool good = false;
  if (key == "type") {
    good = is_type(value);
  } else if (key == "sender" || key == "destination") {
    good = is_bus_name(value);
  } else if (key == "interface") {
    good = is_interface(value);
  } else if (key == "member") {
    good = is_member(value);
  } else if (key == "path" || key == "path_namespace") {
    good = is_object_path(value);
  } else if (const auto argument = argument_key(key)) {
    good = argument->form == "namespace" ? is_name_prefix(value) : text::is_utf8(value);
  } else {
    return wrong("a key that is not known");
  }
  if (!good) return wrong("a value its key cannot have");
  return {};
}

/// The value at the front of `rest`, quotes undone; `rest` then begins after the comma.
Result<std::string> take_value(std::string_view& rest) {
  std::string value;
  bool quoted = false;
  std::size_t at = 0;
  for (; at < rest.size() && (quoted || rest[at] != ','); ++at) {
    const char c = rest[at];
    if (c == '\'') {
      quoted = !quoted;
    } else if (!quoted && c == '\\' && rest.substr(at + 1).starts_with('\'')) {
      value += rest[++at];
    } else if (c == '\0') {
      return wrong("a NUL byte");
    } else {
      value += c;
    }
  }
  if (quoted) return wrong("a quote that is not closed");
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return value;
}

/// "eavesdrop" listens to messages meant for others; a rule that says it does not is an ordinary rule.
Result<> check_eavesdrop(std::string_view value) {
  if (value == "false") return {};
  if (value == "true") return fail(Kind::policy, "match rule: eavesdropping is never allowed on a mediated bus");
  return wrong("a value its key cannot have");
}

std::string quoted(std::string_view value) {
  std::string out = "'";
  for (const char c : value) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// argNpath: equal, or one of the two ends with '/' and the other lies below it.
bool path_matches(std::string_view rule, std::string_view argument) {
  return rule == argument || (rule.ends_with('/') && argument.starts_with(rule)) ||
         (argument.ends_with('/') && rule.starts_with(argument));
}

bool key_selects(std::string_view key, std::string_view value, const OwnerChange& change) {
  if (key == "type") return value == "signal";
  if (key == "sender" || key == "interface") return value == bus_name;
  if (key == "member") return value == "NameOwnerChanged";
  if (key == "path") return value == bus_path;
  if (key == "path_namespace") return value == "/" || is_within(bus_path, value, '/');
  const auto argument = argument_key(key);
  if (!argument || argument->number > 2) return false;  // "destination" too: the signal has none
  const std::array<std::string_view, 3> arguments = {change.name, change.before, change.after};
  const std::string_view actual = arguments[static_cast<std::size_t>(argument->number)];
  if (argument->form == "path") return path_matches(value, actual);
  if (argument->form == "namespace") return is_within(actual, value);
  return value == actual;
}

}  // namespace

std::string MatchRule::text() const {
  std::string out;
  for (const auto& [key, value] : keys) out += (out.empty() ? "" : ",") + key + "=" + quoted(value);
  return out;
}

bool MatchRule::selects(const OwnerChange& change) const {
  return std::ranges::all_of(keys, [&](const auto& key) { return key_selects(key.first, key.second, change); });
}

Result<MatchRule> parse_match(std::string_view text) {
  if (text.size() > max_match_rule) return wrong("longer than 1024 bytes");
  MatchRule rule;
  bool eavesdrop_seen = false;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    if (text.empty()) break;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return wrong("a key without a value");
    const std::string_view key = text.substr(0, text.substr(0, equals).find_last_not_of(blanks) + 1);
    text.remove_prefix(equals + 1);
    const std::string value = XC_TRY(take_value(text));
    if (key == "eavesdrop") {
      if (eavesdrop_seen) return wrong("a key that appears twice");
      eavesdrop_seen = true;
      XC_CHECK(check_eavesdrop(value));
      continue;
    }
    XC_CHECK(check_key(key, value));
    if (!rule.keys.emplace(key, value).second) return wrong("a key that appears twice");
  }
  if (rule.keys.contains("path") && rule.keys.contains("path_namespace")) return wrong("path beside path_namespace");
  return rule;
}

bool MatchRules::add(MatchRule rule) {
  if (count_ >= capacity) return false;
  ++count_;
  const auto [kept, fresh] = rules_.try_emplace(rule.text(), Kept{});
  if (fresh) {
    kept->second.rule = std::move(rule);
  } else {
    ++kept->second.times;
  }
  return true;
}

bool MatchRules::remove(std::string_view text) {
  const auto kept = rules_.find(text);
  if (kept == rules_.end()) return false;
  --count_;
  if (--kept->second.times == 0) rules_.erase(kept);
  return true;
}

bool MatchRules::select(const OwnerChange& change) const {
  return std::ranges::any_of(rules_, [&](const auto& kept) { return kept.second.rule.selects(change); });
}

}  // namespace xc::mediate::dbus
