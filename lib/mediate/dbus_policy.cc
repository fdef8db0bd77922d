// What a link may do on a bus; see the header. Pure, runs in the worker.
#include "mediate/dbus_policy.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

using Word = Rule::Word;

/// As many as the kernel takes in one message (SCM_MAX_FD).

std::unexpected<Error> bad(std::string_view list, std::string_view entry, std::string_view expected) {
  return fail(Kind::manifest, "dbus rule " + std::string(list) + " \"" + text::printable(entry) + "\": expected " +
                                  std::string(expected));
}

/// Takes ".*" off the end of `text`.
bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// The first element alone may stand before ".*".
std::optional<Reach> parse_reach(std::string_view text) {
  Reach reach;
  reach.below = take_suffix(text, ".*");
  if (!is_well_known_name(reach.below ? std::string(text) + ".x" : std::string(text))) return std::nullopt;
  reach.name = text;
  return reach;
}

/// METHOD of a rule; without any dot it is an interface of one element, which nothing bears: not a rule.
bool parse_method(std::string_view method, Rule& rule) {
  if (method.empty() || method == "*") return true;
  const std::size_t dot = method.rfind('.');
  if (dot == std::string_view::npos) return false;
  rule.interface = method.substr(0, dot);
  std::string_view member = method.substr(dot + 1);
  rule.member_prefix = take_suffix(member, "*");
  rule.member = member;
  return is_interface(rule.interface) && (is_member(member) || (member.empty() && rule.member_prefix));
}

bool parse_path(std::string_view path, Rule& rule) {
  rule.path_below = take_suffix(path, "/*");
  rule.path = path;
  return is_object_path(path) || (path.empty() && rule.path_below);
}

Result<Rule> parse_rule(Word word, std::string_view list, std::string_view entry) {
  Rule rule;
  rule.word = word;
  rule.text = std::string(list) + " " + text::printable(entry);
  const bool filtered = word == Word::call || word == Word::broadcast;
  const std::size_t equals = filtered ? entry.find('=') : std::string_view::npos;
  const auto who = parse_reach(entry.substr(0, equals));
  if (!who) return bad(list, entry, "a well-known bus name, with or without .* at its end");
  rule.who = *who;
  if (!filtered) return rule;
  if (equals == std::string_view::npos) return bad(list, entry, "NAME=[METHOD][@PATH]");
  const std::string_view filter = entry.substr(equals + 1);
  const std::size_t at = filter.find('@');
  if (!parse_method(filter.substr(0, at), rule))
    return bad(list, entry, "a method as interface.Member, interface.* or *");
  if (at != std::string_view::npos && !parse_path(filter.substr(at + 1), rule))
    return bad(list, entry, "an object path, with or without /* at its end");
  return rule;
}

Result<Rule> parse_long_rule(const model::DbusRule& entry) {
  Rule rule;
  rule.word = entry.type == model::BusMessage::call ? Rule::Word::call : Rule::Word::broadcast;
  const auto who = parse_reach(entry.name);
  if (!who) return bad("rules", entry.name, "a well-known bus name, with or without .* at its end");
  rule.who = *who;
  rule.text = "rule " + text::printable(entry.name + "=" + entry.interface + "." + entry.member + "@" + entry.path);
  rule.interface = entry.interface;
  if (!rule.interface.empty() && !is_interface(rule.interface)) return bad("rules", entry.interface, "an interface");
  std::string_view member = entry.member;
  rule.member_prefix = take_suffix(member, "*");
  rule.member = member;
  if (!member.empty() && !is_member(member))
    return bad("rules", entry.member, "a member, with or without * at its end");
  if (!entry.path.empty() && !parse_path(entry.path, rule))
    return bad("rules", entry.path, "an object path, with or without /* at its end");
  for (const auto& [number, text] : entry.args) {
    if (number.size() != 1 || number[0] < '0' || number[0] > '3')
      return bad("rules", number, "an argument from 0 to 3");
    rule.args[static_cast<std::size_t>(number[0] - '0')] = text;
  }
  rule.descriptors = entry.fds;
  return rule;
}

bool is_one_of(std::string_view what, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, what) != list.end();
}

/// Questions that change nothing and tell no more than that the object is there.
bool is_introspection(const Subject& call) {
  if (call.interface == "org.freedesktop.DBus.Introspectable") return call.member == "Introspect";
  return call.interface == "org.freedesktop.DBus.Peer" && is_one_of(call.member, {"Ping", "GetMachineId"});
}

/// A call within the interfaces at or below `base`, or to their properties.
bool calls_interface(const Subject& call, std::string_view base, bool write) {
  if (call.interface != properties_interface) return is_within(call.interface, base);
  if (!call.arg0 || !is_within(*call.arg0, base)) return false;
  return is_one_of(call.member, {"Get", "GetAll"}) || (write && call.member == "Set");
}

/// A signal of the interfaces at or below `base`, or about their properties.
bool signals_interface(const Subject& signal, std::string_view base) {
  if (signal.interface != properties_interface) return is_within(signal.interface, base);
  return signal.member == "PropertiesChanged" && signal.arg0 && is_within(*signal.arg0, base);
}

Level level_of(Word word) {
  switch (word) {
    case Word::see:
    case Word::broadcast: return Level::see;
    case Word::talk:
    case Word::call:
    case Word::interface: return Level::talk;
    case Word::own: return Level::own;
  }
  return Level::none;
}

}  // namespace

bool Reach::covers(std::string_view other) const {
  return below ? is_within(other, name) : other == name;
}

bool Rule::fits(const Subject& subject) const {
  if (!interface.empty() && interface != subject.interface) return false;
  if (member_prefix ? !subject.member.starts_with(member) : (!member.empty() && member != subject.member)) return false;
  for (std::size_t i = 0; i < args.size(); ++i)
    if (args[i] && subject.argument(i) != *args[i]) return false;
  if (descriptors && subject.descriptors > *descriptors) return false;
  if (path_below) return is_within(subject.path, path, '/');
  return path.empty() || path == subject.path;
}

Result<RuleSet> RuleSet::parse(const model::DbusRules& rules) {
  struct List {
    Word word;
    std::string_view name;
    const std::vector<std::string>& entries;
  };
  const std::array<List, 6> lists = {{{Word::see, "see", rules.see},
                                      {Word::talk, "talk", rules.talk},
                                      {Word::own, "own", rules.own},
                                      {Word::call, "call", rules.call},
                                      {Word::broadcast, "broadcast", rules.broadcast},
                                      {Word::interface, "interface", rules.interface}}};
  RuleSet set;
  for (const List& list : lists)
    for (const std::string& entry : list.entries) set.rules_.push_back(XC_TRY(parse_rule(list.word, list.name, entry)));
  for (const model::DbusRule& rule : rules.rules) set.rules_.push_back(XC_TRY(parse_long_rule(rule)));
  set.all_ = rules.all;
  set.write_ = rules.write;
  set.introspect_ = rules.introspect;
  set.unique_names_ = rules.unique_names;
  set.descriptors_ = std::min(rules.fds, model::most_descriptors);
  return set;
}

bool RuleSet::looks_at_arguments() const {
  return std::ranges::any_of(rules_, [](const Rule& rule) {
    return std::ranges::any_of(rule.args, [](const auto& argument) { return argument.has_value(); });
  });
}

Level RuleSet::level(std::string_view name) const {
  if (all_) return Level::own;
  Level best = Level::none;
  for (const Rule& rule : rules_)
    if (rule.who.covers(name)) best = std::max(best, level_of(rule.word));
  return best;
}

bool RuleSet::lets_call(const Rule& rule, std::string_view name, const Subject& call) const {
  if (!rule.who.covers(name)) return false;
  switch (rule.word) {
    case Word::talk:
    case Word::own: return true;
    case Word::call: return rule.fits(call) || (introspect_ && is_introspection(call));
    case Word::interface:
      return calls_interface(call, rule.who.name, write_) || (introspect_ && is_introspection(call));
    case Word::see:
    case Word::broadcast: return false;
  }
  return false;
}

bool RuleSet::lets_hear(const Rule& rule, std::string_view name, const Subject& signal) {
  if (!rule.who.covers(name)) return false;
  switch (rule.word) {
    case Word::talk:
    case Word::own: return true;
    case Word::broadcast: return rule.fits(signal);
    case Word::interface: return signals_interface(signal, rule.who.name);
    case Word::see:
    case Word::call: return false;
  }
  return false;
}

std::string_view RuleSet::calling(std::string_view name, const Subject& call) const {
  if (all_) return "all";
  const auto found = std::ranges::find_if(rules_, [&](const Rule& rule) { return lets_call(rule, name, call); });
  return found == rules_.end() ? std::string_view() : std::string_view(found->text);
}

std::string_view RuleSet::hearing(std::string_view name, const Subject& signal) const {
  if (all_) return "all";
  const auto found = std::ranges::find_if(rules_, [&](const Rule& rule) { return lets_hear(rule, name, signal); });
  return found == rules_.end() ? std::string_view() : std::string_view(found->text);
}

bool RuleSet::may_call(std::string_view name, const Subject& call) const {
  return !calling(name, call).empty();
}

bool RuleSet::may_hear(std::string_view name, const Subject& signal) const {
  return !hearing(name, signal).empty();
}

bool RuleSet::speaks_for(const Rule& own, const Subject& signal) const {
  if (signals_interface(signal, own.who.name)) return true;
  if (signal.interface == "org.freedesktop.DBus.ObjectManager") return true;  // adds and removes the client's objects
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return rule.word == Word::broadcast && own.who.covers(rule.who.name) && rule.fits(signal);
  });
}

bool RuleSet::may_broadcast(const Subject& signal) const {
  return all_ || std::ranges::any_of(
                     rules_, [&](const Rule& rule) { return rule.word == Word::own && speaks_for(rule, signal); });
}

Result<Policy> Policy::parse(const Layers& layers) {
  Policy policy;
  for (const auto& layer : layers) {
    auto& sets = policy.layers_.emplace_back();
    for (const auto& rules : layer) {
      sets.push_back(XC_TRY(RuleSet::parse(rules)));
      policy.looks_at_arguments_ = policy.looks_at_arguments_ || sets.back().looks_at_arguments();
    }
  }
  return policy;
}

template <class Question>
bool Policy::agreed(const Question& question) const {
  return std::ranges::all_of(layers_, [&](const auto& layer) { return std::ranges::any_of(layer, question); });
}

/// The first answer of each layer; nothing when one has none.
template <class Question>
std::string Policy::told(const Question& question) const {
  std::string all;
  for (const auto& layer : layers_) {
    std::string_view rule;
    for (const RuleSet& set : layer)
      if (rule.empty()) rule = question(set);
    if (rule.empty()) return {};
    all += (all.empty() ? "" : " & ") + std::string(rule);
  }
  return layers_.empty() ? "unrestricted" : all;
}

std::string Policy::calling(std::string_view name, const Subject& call) const {
  return told([&](const RuleSet& set) { return set.calling(name, call); });
}

std::string Policy::hearing(std::string_view name, const Subject& signal) const {
  return told([&](const RuleSet& set) { return set.hearing(name, signal); });
}

Level Policy::level(std::string_view name) const {
  Level least = Level::own;
  for (const auto& layer : layers_) {
    Level best = Level::none;
    for (const RuleSet& set : layer) best = std::max(best, set.level(name));
    least = std::min(least, best);
  }
  return least;
}

bool Policy::may_call(std::string_view name, const Subject& call) const {
  return agreed([&](const RuleSet& set) { return set.may_call(name, call); });
}

bool Policy::may_hear(std::string_view name, const Subject& signal) const {
  return agreed([&](const RuleSet& set) { return set.may_hear(name, signal); });
}

bool Policy::may_broadcast(const Subject& signal) const {
  return agreed([&](const RuleSet& set) { return set.may_broadcast(signal); });
}

bool Policy::all() const {
  return agreed([](const RuleSet& set) { return set.all(); });
}

bool Policy::unique_names() const {
  return agreed([](const RuleSet& set) { return set.unique_names(); });
}

std::uint32_t Policy::descriptors() const {
  std::uint32_t least = layers_.empty() ? model::DbusRules{}.fds : model::most_descriptors;
  for (const auto& layer : layers_) {
    std::uint32_t best = 0;
    for (const RuleSet& set : layer) best = std::max(best, set.descriptors());
    least = std::min(least, best);
  }
  return least;
}

}  // namespace xc::mediate::dbus
