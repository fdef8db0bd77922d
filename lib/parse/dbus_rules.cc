#include "parse/dbus_rules.h"

namespace xc::parse {
namespace {

Result<std::uint32_t> read_descriptors(View view) {
  return static_cast<std::uint32_t>(XC_TRY(read_number(view, model::most_descriptors)));
}

Result<model::BusMessage> read_type(View view) {
  for (const model::BusMessage type : {model::BusMessage::call, model::BusMessage::signal})
    if (view.is(Form::string) && view.text() == model::name_of(type)) return type;
  return view.expected("\"call\" or \"signal\"");
}

Result<std::map<std::string, std::string>> read_arguments(View view) {
  std::map<std::string, std::string> arguments;
  const std::vector<View> members = XC_TRY(read_object(view, "an object of arguments", 4));
  for (const View& member : members) {
    if (member.name().size() != 1 || member.name().front() < '0' || member.name().front() > '3')
      return member.fail("the number of an argument must be 0, 1, 2 or 3");
    if (!member.is(Form::string)) return member.expected("a string");
    arguments[member.name()] = member.text();
  }
  return arguments;
}

Result<model::DbusRule> read_rule(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"name\"");
  XC_CHECK(refuse_others(view, {"name", "type", "interface", "member", "path", "args", "fds"}));
  model::DbusRule rule;
  rule.name = XC_TRY(read_key(view, "name", word::bus_pattern));
  if (const auto type = view.find("type")) rule.type = XC_TRY(read_type(*type));
  XC_CHECK(read_key_if(view, "interface", word::interface, rule.interface));
  XC_CHECK(read_key_if(view, "member", word::member_pattern, rule.member));
  XC_CHECK(read_key_if(view, "path", word::object_pattern, rule.path));
  if (const auto args = view.find("args")) rule.args = XC_TRY(read_arguments(*args));
  if (const auto fds = view.find("fds")) rule.fds = XC_TRY(read_descriptors(*fds));
  return rule;
}

Result<> read_words_into(View view, model::DbusRules& dbus) {
  const auto read = [&](std::string_view key, const Word& kind, std::vector<std::string>& into) -> Result<> {
    if (const auto member = view.find(key)) into = XC_TRY(read_words(*member, kind, 0, most_rules));
    return {};
  };
  XC_CHECK(read("see", word::bus_pattern, dbus.see));
  XC_CHECK(read("talk", word::bus_pattern, dbus.talk));
  XC_CHECK(read("own", word::bus_pattern, dbus.own));
  XC_CHECK(read("call", word::bus_rule, dbus.call));
  XC_CHECK(read("broadcast", word::bus_rule, dbus.broadcast));
  return read("interface", word::bus_pattern, dbus.interface);
}

}  // namespace

Result<model::DbusRules> read_dbus(View view) {
  model::DbusRules dbus;
  if (view.is(Form::string) && view.text() == "all") {
    dbus.all = true;
    return dbus;
  }
  if (!view.is(Form::object)) return view.expected("\"all\" or an object such as {\"talk\": [\"org.example.Name\"]}");
  XC_CHECK(refuse_others(view, {"see", "talk", "own", "call", "broadcast", "interface", "rules", "write", "introspect",
                                "unique-names", "fds"}));
  XC_CHECK(read_words_into(view, dbus));
  if (const auto rules = view.find("rules")) {
    const std::vector<View> elements = XC_TRY(read_list(*rules, "rules", most_rules));
    for (const View& rule : elements) dbus.rules.push_back(XC_TRY(read_rule(rule)));
  }
  if (const auto write = view.find("write")) dbus.write = XC_TRY(read_flag(*write));
  if (const auto introspect = view.find("introspect")) dbus.introspect = XC_TRY(read_flag(*introspect));
  if (const auto unique = view.find("unique-names")) dbus.unique_names = XC_TRY(read_flag(*unique));
  if (const auto fds = view.find("fds")) dbus.fds = XC_TRY(read_descriptors(*fds));
  return dbus;
}

}  // namespace xc::parse
