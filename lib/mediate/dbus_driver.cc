// Calls to the bus itself; see the header. Pure, runs in the worker.
#include "mediate/dbus_driver.h"

#include <algorithm>
#include <array>

#include "mediate/dbus_session.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

constexpr std::string_view service_unknown = "org.freedesktop.DBus.Error.ServiceUnknown";
constexpr std::string_view no_owner = "org.freedesktop.DBus.Error.NameHasNoOwner";
constexpr std::string_view invalid_args = "org.freedesktop.DBus.Error.InvalidArgs";
constexpr std::string_view bad_match = "org.freedesktop.DBus.Error.MatchRuleInvalid";
constexpr std::string_view no_match = "org.freedesktop.DBus.Error.MatchRuleNotFound";

/// A call with what is known to judge it; `name` is its first argument when that is a string.
struct Question {
  const Header& header;
  const Policy& policy;
  const Names& names;
  MatchRules& matches;
  std::string_view name;
  std::string_view second;
};

Ruling refuse(std::string_view error, std::string text) {
  return {.act = Ruling::Act::refuse, .name = error, .text = std::move(text)};
}

Ruling deny(const Question& q) {
  return refuse(access_denied,
                "this link may not call " + std::string(q.header.member) + " of the bus for what was asked");
}

Ruling answer_number(std::uint32_t number, std::string_view signature) {
  Writer writer(Order::little);
  writer.uint32(number);
  return {.act = Ruling::Act::answer, .body = writer.take(), .signature = std::string(signature)};
}

Ruling pass(const Question& /*q*/) {
  return {};
}

Ruling repeat_hello(const Question& /*q*/) {
  return refuse("org.freedesktop.DBus.Error.Failed", "Already handled an Hello message");
}

Ruling list_names(const Question& /*q*/) {
  return {.expect = Expect::names};
}

Ruling look_up(const Question& q) {
  if (q.names.visible(q.name)) return {};
  return refuse(no_owner, "Could not get owner of name '" + std::string(q.name) + "': no such name");
}

/// A bus may tell a pidfd, too (ProcessFD): a process of the host, in the hands of a container.
Ruling look_up_facts(const Question& q) {
  Ruling ruling = look_up(q);
  if (ruling.act == Ruling::Act::pass) ruling.expect = Expect::facts;
  return ruling;
}

Ruling has_owner(const Question& q) {
  return q.names.visible(q.name) ? Ruling{} : answer_number(0, "b");
}

Ruling list_queue(const Question& q) {
  if (!q.names.visible(q.name)) return look_up(q);
  return q.names.level(q.name) == Level::own ? Ruling{} : deny(q);  // others in the queue may be hidden
}

Ruling request(const Question& q) {
  if (!is_well_known_name(q.name)) return refuse(invalid_args, "a connection can only own a well-known name");
  if (q.policy.level(q.name) == Level::own) return {};
  return refuse(access_denied, "this link may not own the name " + std::string(q.name));
}

Ruling release(const Question& q) {
  constexpr std::uint32_t non_existent = 2;
  return q.names.visible(q.name) ? Ruling{} : answer_number(non_existent, "u");
}

Ruling start_service(const Question& q) {
  const Level level = q.names.level(q.name);
  if (level == Level::none)
    return refuse(service_unknown, "The name " + std::string(q.name) + " was not provided by any .service files");
  if (level < Level::talk) return deny(q);
  return {.ordered = false};
}

Ruling change_match(const Question& q, bool add) {
  auto rule = parse_match(q.name);
  if (!rule) return refuse(rule.error().kind == Kind::policy ? access_denied : bad_match, rule.error().text);
  std::string text = rule->text();
  if (add && !q.matches.add(std::move(*rule))) return refuse(limits_exceeded, "this link has too many match rules");
  if (!add && !q.matches.remove(text)) return refuse(no_match, "the given match rule was not found");
  return {.expect = add ? Expect::match : Expect::reply, .body = string_body(q.header.order, text), .text = text};
}

Ruling add_match(const Question& q) {
  return change_match(q, true);
}

Ruling remove_match(const Question& q) {
  return change_match(q, false);
}

Ruling get_property(const Question& q) {
  const bool fact = q.name == bus_name && (q.second == "Features" || q.second == "Interfaces");
  return fact || q.policy.all() ? Ruling{} : deny(q);
}

Ruling get_properties(const Question& q) {
  return q.name == bus_name || q.policy.all() ? Ruling{} : deny(q);
}

struct Method {
  std::string_view interface;
  std::string_view member;
  std::string_view signature;
  Ruling (*rule)(const Question&);
};

/// Every method of the bus that a mediated client may reach (specification, "Message Bus Messages").
constexpr std::array<Method, 23> methods = {{
    {bus_name, "Hello", "", repeat_hello},
    {bus_name, "RequestName", "su", request},
    {bus_name, "ReleaseName", "s", release},
    {bus_name, "ListQueuedOwners", "s", list_queue},
    {bus_name, "ListNames", "", list_names},
    {bus_name, "ListActivatableNames", "", list_names},
    {bus_name, "NameHasOwner", "s", has_owner},
    {bus_name, "GetNameOwner", "s", look_up},
    {bus_name, "StartServiceByName", "su", start_service},
    {bus_name, "GetConnectionUnixUser", "s", look_up},
    {bus_name, "GetConnectionUnixProcessID", "s", look_up},
    {bus_name, "GetConnectionCredentials", "s", look_up_facts},
    {bus_name, "GetConnectionSELinuxSecurityContext", "s", look_up},
    {bus_name, "GetConnectionAppArmorSecurityContext", "s", look_up},
    {bus_name, "GetAdtAuditSessionData", "s", look_up},
    {bus_name, "AddMatch", "s", add_match},
    {bus_name, "RemoveMatch", "s", remove_match},
    {bus_name, "GetId", "", pass},
    {"org.freedesktop.DBus.Peer", "Ping", "", pass},
    {"org.freedesktop.DBus.Peer", "GetMachineId", "", pass},
    {"org.freedesktop.DBus.Introspectable", "Introspect", "", pass},
    {properties_interface, "Get", "ss", get_property},
    {properties_interface, "GetAll", "s", get_properties},
}};

/// A method beyond the table: only where nothing is restricted, and even then nobody may listen to others.
Ruling rule_on_other(const Question& q) {
  const bool monitoring = q.header.interface == "org.freedesktop.DBus.Monitoring";
  return q.policy.all() && !monitoring ? Ruling{} : deny(q);
}

}  // namespace

Ruling rule_on_bus_call(const Message& call, const Policy& policy, const Names& names, MatchRules& matches) {
  const Header& header = call.header;
  Question question{header, policy, names, matches, {}, {}};
  const auto method = std::ranges::find_if(
      methods, [&](const Method& m) { return m.interface == header.interface && m.member == header.member; });
  if (method == methods.end()) return rule_on_other(question);
  if (header.signature != method->signature) {
    return refuse(invalid_args, "Call to " + std::string(header.member) + " has wrong args (" +
                                    std::string(header.signature) + ", expected " + std::string(method->signature) +
                                    ")");
  }
  Reader reader(call.body, header.order);
  if (method->signature.starts_with("s")) question.name = reader.string();
  if (method->signature.starts_with("ss")) question.second = reader.string();
  return method->rule(question);
}

std::optional<std::string> filter_names(const Message& reply, const Names& names) {
  if (reply.header.signature != "as") return std::nullopt;
  Reader reader(reply.body, reply.header.order);
  const std::size_t end = reader.array(4) + reader.position();
  Writer writer(reply.header.order);
  writer.uint32(0);
  while (reader.ok() && reader.position() < end) {
    const std::string_view name = reader.string();
    if (names.visible(name)) writer.string(name);
  }
  if (!reader.complete()) return std::nullopt;
  writer.patch(0, static_cast<std::uint32_t>(writer.size() - 4));
  return writer.take();
}

std::optional<std::string> without_descriptors(const Message& reply) {
  if (reply.header.signature != "a{sv}") return std::nullopt;
  Reader reader(reply.body, reply.header.order);
  const std::size_t end = reader.array(8) + reader.position();
  std::string entries;  // each keeps its inner padding, as all begin at multiples of 8
  while (reader.ok() && reader.position() < end) {
    reader.align(8);
    const std::size_t begin = reader.position();
    (void)reader.string();
    const std::string_view type = reader.signature();
    reader.skip(type);
    if (type.contains('h')) continue;
    entries.append((8 - entries.size() % 8) % 8, '\0');
    entries += reply.body.substr(begin, reader.position() - begin);
  }
  if (!reader.complete()) return std::nullopt;
  Writer writer(reply.header.order);
  writer.uint32(static_cast<std::uint32_t>(entries.size()));
  writer.align(8);
  return writer.take() + entries;
}

}  // namespace xc::mediate::dbus
