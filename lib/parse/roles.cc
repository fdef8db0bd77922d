#include "parse/roles.h"

#include "parse/dbus_rules.h"
#include "parse/rest_reach.h"
#include "parse/wayland_rules.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_roles = 64;
constexpr std::uint64_t most_body = 1ULL << 40U;
constexpr std::uint64_t most_wait = 86'400;      // seconds; who needs more waits for ever
constexpr std::uint64_t most_uid = 0xfffffffeU;  // the one above means "leave as it is" (setresuid(2))

using Warnings = std::vector<std::string>;

bool says_all(View view) {
  return view.is(Form::string) && view.text() == "all";
}

Result<model::RestRule> read_rest_rule(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"methods\" and \"paths\"");
  XC_CHECK(refuse_others(view, {"methods", "paths"}));
  model::RestRule rule;
  const View methods = XC_TRY(read_member(view, "methods"));
  const View paths = XC_TRY(read_member(view, "paths"));
  rule.methods = XC_TRY(read_words(methods, word::method, 1, most_rules));
  rule.paths = XC_TRY(read_words(paths, word::path_pattern, 1, most_rules));
  return rule;
}

Result<> read_rest_list(View view, model::RestRules& rest, Warnings& warnings) {
  if (says_all(view)) {
    rest.all = true;
    return {};
  }
  if (!view.is(Form::list)) return view.expected("\"all\" or a list of rules");
  const std::vector<View> rules = XC_TRY(read_list(view, "rules", most_rules));
  for (const View& rule : rules) rest.rules.push_back(XC_TRY(read_rest_rule(rule)));
  warn_of_unreachable(rules, rest.rules, warnings);
  return {};
}

bool is_protocol(std::string_view text) {
  return text == "http/1.1" || text == "h2c";
}

Result<model::RestRules> read_rest_object(View view, Warnings& warnings) {
  XC_CHECK(refuse_others(view, {"rules", "upgrade", "body", "wait", "protocol"}));
  model::RestRules rest;
  const View rules = XC_TRY(read_member(view, "rules"));
  XC_CHECK(read_rest_list(rules, rest, warnings));
  if (const auto upgrade = view.find("upgrade")) rest.upgrade = XC_TRY(read_flag(*upgrade));
  if (const auto body = view.find("body")) rest.body = XC_TRY(read_number(*body, most_body));
  if (const auto wait = view.find("wait"))
    rest.wait = static_cast<std::uint32_t>(XC_TRY(read_number(*wait, most_wait)));
  if (const auto protocol = view.find("protocol")) {
    if (!protocol->is(Form::string) || !is_protocol(protocol->text()))
      return protocol->expected("\"http/1.1\" or \"h2c\"");
    rest.protocol = protocol->text();
  }
  return rest;
}

Result<model::RestRules> read_rest(View view, Warnings& warnings) {
  if (view.is(Form::object)) return read_rest_object(view, warnings);
  model::RestRules rest;
  if (!says_all(view) && !view.is(Form::list))
    return view.expected("\"all\", a list of rules, or an object with \"rules\"");
  XC_CHECK(read_rest_list(view, rest, warnings));
  rest.upgrade = rest.all;  // the bare word means everything; {"rules":"all"} keeps upgrades apart
  return rest;
}

Result<model::UnixRules> read_unix(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"fds\"");
  XC_CHECK(refuse_others(view, {"fds"}));
  const View fds = XC_TRY(read_member(view, "fds"));
  return model::UnixRules{static_cast<std::uint32_t>(XC_TRY(read_number(fds, model::most_descriptors)))};
}

/// A file mode in octal digits, as chmod(1) takes it, of no other bits than `most`.
Result<std::uint32_t> read_mode(View view, std::uint32_t most) {
  std::uint32_t mode = 0;
  const std::string text = view.is(Form::string) ? view.text() : "";
  const auto refuse = [&]() {
    return view.expected("a mode such as " + std::string(most == 0666 ? "\"0660\"" : "\"0755\"") + ", in octal digits");
  };
  if (text.empty() || text.size() > 4) return refuse();
  for (const char digit : text) {
    if (digit < '0' || digit > '7') return refuse();
    mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
  }
  if ((mode & ~most) != 0) return refuse();
  return mode;
}

Result<model::DeviceRules> read_device(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"uid\", \"gid\", \"mode\" and \"directory\"");
  XC_CHECK(refuse_others(view, {"uid", "gid", "mode", "directory"}));
  model::DeviceRules rules;
  if (const auto uid = view.find("uid")) rules.uid = static_cast<std::uint32_t>(XC_TRY(read_number(*uid, most_uid)));
  if (const auto gid = view.find("gid")) rules.gid = static_cast<std::uint32_t>(XC_TRY(read_number(*gid, most_uid)));
  if (const auto mode = view.find("mode")) rules.mode = XC_TRY(read_mode(*mode, 0666));
  if (const auto directory = view.find("directory")) rules.directory = XC_TRY(read_mode(*directory, 0777));
  return rules;
}

Result<> read_vchan_numbers(View object, std::string_view key, std::optional<std::vector<std::uint32_t>>& into) {
  const auto list = object.find(key);
  if (!list) return {};
  into.emplace();
  for (const View& number : XC_TRY(read_list(*list, "numbers", most_roles)))
    into->push_back(XC_TRY(read_vchan_number(number)));
  return {};
}

Result<model::VchanRules> read_vchan(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"domains\", \"ports\" or \"shm\"");
  XC_CHECK(refuse_others(view, {"domains", "ports", "shm"}));
  model::VchanRules rules;
  XC_CHECK(read_vchan_numbers(view, "domains", rules.domains));
  XC_CHECK(read_vchan_numbers(view, "ports", rules.ports));
  if (const auto shm = view.find("shm")) rules.shm = XC_TRY(read_flag(*shm));
  return rules;
}

template <class T>
Result<> put(Result<T> value, std::optional<T>& into) {
  into = XC_TRY(std::move(value));
  return {};
}

Result<> read_into(model::RoleRules& rules, View view, model::Type type, Warnings& warnings) {
  switch (type) {
    case model::Type::rest: return put(read_rest(view, warnings), rules.rest);
    case model::Type::dbus: return put(read_dbus(view), rules.dbus);
    case model::Type::wayland: return put(read_wayland(view), rules.wayland);
    case model::Type::raw_unix: return put(read_unix(view), rules.raw_unix);
    case model::Type::vchan: return put(read_vchan(view), rules.vchan);
    case model::Type::drm:
    case model::Type::input:
    case model::Type::chardev:
    case model::Type::count_: break;
  }
  return view.fail("services of type " + std::string(model::name_of(type)) +
                   " have no rules; those with rules are rest, dbus, wayland, unix and vchan");
}

}  // namespace

Result<model::RoleRules> read_role(View view, std::vector<std::string>& warnings) {
  if (!view.is(Form::object))
    return view.expected(R"(an object of protocols ("rest", "dbus", "wayland", "unix", "vchan"))");
  XC_CHECK(refuse_others(view, {"rest", "dbus", "wayland", "unix", "vchan", "uid", "device"}));
  model::RoleRules rules;
  for (const model::Type type :
       {model::Type::rest, model::Type::dbus, model::Type::wayland, model::Type::raw_unix, model::Type::vchan})
    if (const auto value = view.find(model::name_of(type))) XC_CHECK(read_into(rules, *value, type, warnings));
  if (const auto uid = view.find("uid")) rules.uid = static_cast<std::uint32_t>(XC_TRY(read_number(*uid, most_uid)));
  if (const auto device = view.find("device")) rules.device = XC_TRY(read_device(*device));
  return rules;
}

Result<std::map<std::string, model::RoleRules>> read_roles(View view, const Word& key,
                                                           std::vector<std::string>& warnings) {
  std::map<std::string, model::RoleRules> roles;
  const std::vector<View> members = XC_TRY(read_object(view, "an object of roles", most_roles));
  for (const View& role : members) {
    if (role.name().starts_with('#')) continue;
    if (!key.fits(role.name())) return role.fail("a role's name must be " + std::string(key.looks));
    roles[role.name()] = XC_TRY(read_role(role, warnings));
  }
  return roles;
}

Result<model::RoleRules> read_protocol(View view, model::Type type, std::vector<std::string>& warnings) {
  model::RoleRules rules;
  XC_CHECK(read_into(rules, view, type, warnings));
  return rules;
}

}  // namespace xc::parse
