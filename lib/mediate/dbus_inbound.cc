// Messages of the bus: what the client may get (see dbus_session.h). Peers on the bus are as hostile as the client.
// Pure; runs in the worker. Must never deliver what nobody the client knows has sent.
#include <algorithm>

#include "mediate/dbus_driver.h"
#include "mediate/dbus_session.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

using Act = Verdict::Act;

Verdict drop(Session& s) {
  ++s.tally.refusals;
  return {};
}

Verdict pass(Session& s, const Header& header) {
  ++s.tally.messages;
  return {.act = Act::pass, .bytes = write_header(header)};
}

/// The reply as the client gets it, or an error of ours where it cannot be passed.
Verdict pass_reply(Session& s, const Message& m, const Call& call) {
  Header header = m.header;
  header.reply_serial = call.serial;
  if (is_sound(m) && header.descriptors <= s.descriptor_limit()) {
    Verdict verdict = pass(s, header);
    verdict.began = call.began;
    return verdict;
  }
  ++s.tally.refusals;
  Header asked;
  asked.serial = call.serial;
  asked.sender = s.names.self();
  return {.act = Act::replace,
          .bytes = write_error(asked, s.next_local_serial(), access_denied,
                               "the reply is malformed or carries more descriptors than may pass", true)};
}

Result<Verdict> take_own_hello(Session& s, const Message& m) {
  if (m.header.type == MessageType::error)
    return fail(Kind::policy,
                "D-Bus connection: the bus refuses another connection: " + std::string(m.header.error_name));
  Reader reader(m.body, m.header.order);
  const std::string_view self = reader.string();
  if (m.header.signature != "s" || !reader.complete() || !is_unique_name(self))
    return fail(Kind::policy, "D-Bus connection: the bus gave no unique name");
  s.names.set_self(self);
  s.learned();
  return Verdict{};
}

Verdict pass_other_body(Session& s, const Message& m, const Call& call, std::string_view body) {
  Header header = m.header;
  header.reply_serial = call.serial;
  header.descriptors = 0;
  ++s.tally.messages;
  return {.act = Act::replace, .bytes = write_message(header, body)};
}

Result<Verdict> take_filtered(Session& s, const Message& m, const Call& call) {
  if (m.header.type != MessageType::reply) return pass_reply(s, m, call);
  const auto body = filter_names(m, s.names);
  if (!body) return fail(Kind::policy, "D-Bus connection: the bus sent no list of names");
  return pass_other_body(s, m, call, *body);
}

Verdict take_facts(Session& s, const Message& m, const Call& call) {
  if (m.header.type != MessageType::reply || m.header.descriptors == 0 || !is_sound(m)) return pass_reply(s, m, call);
  const auto body = without_descriptors(m);
  return body ? pass_other_body(s, m, call, *body) : drop(s);
}

/// The names there are: of each that is visible the owner is asked for.
Result<Verdict> take_own_names(Session& s, const Message& m) {
  const auto visible = m.header.type == MessageType::reply ? filter_names(m, s.names) : std::nullopt;
  if (!visible) return fail(Kind::policy, "D-Bus connection: the bus does not tell its names");
  Reader reader(*visible, m.header.order);
  const std::size_t end = reader.array(4) + reader.position();
  std::size_t asked = 0;
  while (reader.ok() && reader.position() < end && asked < Names::max_owners) {
    const std::string_view name = reader.string();
    if (!is_well_known_name(name) || name == bus_name) continue;
    s.ask_owner(name);
    ++asked;
  }
  s.learned();
  return Verdict{};
}

Result<Verdict> take_own_owner(Session& s, const Message& m, const Call& call) {
  Reader reader(m.body, m.header.order);
  if (m.header.type == MessageType::reply && m.header.signature == "s") {
    const std::string_view owner = reader.string();
    if (is_unique_name(owner)) s.names.set_owner(call.note, owner);
  }
  s.learned();
  return Verdict{};
}

Result<Verdict> judge_reply(Session& s, const Message& m) {
  const bool error = m.header.type == MessageType::error;
  const auto call = s.calls_out.take(m.header.reply_serial, m.header.sender, error);
  if (!call) return drop(s);
  switch (call->expect) {
    case Expect::reply: break;
    case Expect::match:
      if (error) s.matches.remove(call->note);
      break;
    case Expect::own_hello: return take_own_hello(s, m);
    case Expect::names: return take_filtered(s, m, *call);
    case Expect::facts: return take_facts(s, m, *call);
    case Expect::own_names: return take_own_names(s, m);
    case Expect::own_owner: return take_own_owner(s, m, *call);
    case Expect::own_match:
      if (error) return fail(Kind::policy, "D-Bus connection: the bus does not tell who owns its names");
      s.learned();
      return Verdict{};
  }
  return pass_reply(s, m, *call);
}

Verdict take_owner_change(Session& s, const Message& m) {
  Reader reader(m.body, m.header.order);
  const std::string_view name = reader.string();
  const std::string_view before = reader.string();
  const std::string_view after = reader.string();
  const auto is_owner = [](std::string_view owner) { return owner.empty() || is_unique_name(owner); };
  if (m.header.signature != "sss" || !reader.complete() || !is_owner(before) || !is_owner(after)) return drop(s);
  const OwnerChange change{name, before, after};
  if (is_unique_name(name) && after.empty()) s.calls_in.forget(name);
  const bool visible = s.names.take(change);
  // Our subscription brings changes that the client has not asked for.
  return visible && s.matches.select(change) ? pass(s, m.header) : Verdict{};
}

Verdict judge_bus_signal(Session& s, const Message& m) {
  const std::string_view member = m.header.member;
  if (m.header.interface == bus_name && member == "NameOwnerChanged") return take_owner_change(s, m);
  if (s.state != Session::State::open) return {};
  if (m.header.interface != bus_name) return s.policy.all() ? pass(s, m.header) : drop(s);
  if (member == "ActivatableServicesChanged") return pass(s, m.header);
  if (member != "NameAcquired" && member != "NameLost") return s.policy.all() ? pass(s, m.header) : drop(s);
  Reader reader(m.body, m.header.order);
  const std::string_view name = reader.string();
  if (name == s.names.self()) return {};  // the client was told with the answer to its Hello
  return s.names.visible(name) ? pass(s, m.header) : drop(s);
}

Verdict judge_signal(Session& s, const Message& m) {
  if (!is_sound(m) || m.header.descriptors > s.descriptor_limit()) return drop(s);
  if (m.header.sender == bus_name) return judge_bus_signal(s, m);
  if (s.state != Session::State::open) return drop(s);
  if (s.policy.all() || m.header.sender == s.names.self()) return pass(s, m.header);
  const Subject subject = subject_of(s, m);
  const auto& names = s.names.names_of(m.header.sender);
  const bool heard =
      std::ranges::any_of(names, [&](const std::string& name) { return s.policy.may_hear(name, subject); });
  return heard ? pass(s, m.header) : drop(s);
}

/// Callers of a name the client owns, by that name or by its unique one, and peers the client itself may call.
bool may_call_client(const Session& s, const Header& call) {
  if (s.policy.all() || call.sender == s.names.self()) return true;
  if (!is_unique_name(call.destination)) return s.policy.level(call.destination) == Level::own;
  return !s.names.names_of(s.names.self()).empty() || s.names.level(call.sender) >= Level::talk;
}

/// The caller gets an error instead of waiting for nothing.
Verdict refuse_call(Session& s, const Header& call, std::string_view error, std::string_view text) {
  ++s.tally.refusals;
  if (!call.wants_reply()) return {.reason = std::string(text)};
  return {.act = Act::answer,
          .bytes = write_error(call, s.calls_out.next_serial(), error, text, false),
          .reason = std::string(text)};
}

Verdict judge_call(Session& s, const Message& m) {
  const Header& header = m.header;
  if (header.sender == bus_name) return drop(s);
  const bool open = s.state == Session::State::open;
  if (!open || !is_sound(m) || header.descriptors > s.descriptor_limit() || !may_call_client(s, header))
    return refuse_call(s, header, access_denied, "the called link does not take this call");
  if (header.wants_reply() && !s.calls_in.add(header.sender, header.serial))
    return refuse_call(s, header, limits_exceeded, "the called link has too many calls to answer");
  if (!s.policy.all()) s.names.add_caller(header.sender);
  return pass(s, header);
}

/// Meant for this client: a match rule that listens to others is never passed on, a careless bus is still possible.
bool is_addressed(const Session& s, const Header& header) {
  const std::string_view to = header.destination;
  if (header.type == MessageType::signal && is_well_known_name(to)) {
    const auto& own = s.names.names_of(s.names.self());
    return std::ranges::find(own, to) != own.end();
  }
  if (header.type == MessageType::signal) return to.empty() || to == s.names.self() || s.names.self().empty();
  if (header.type == MessageType::call && is_well_known_name(to)) return true;
  return to == s.names.self() || (s.names.self().empty() && is_unique_name(to));
}

}  // namespace

Result<Verdict> judge_inbound(Session& s, const Message& m) {
  const Header& header = m.header;
  if ((header.sender != bus_name && !is_unique_name(header.sender)) || !is_addressed(s, header)) return drop(s);
  switch (header.type) {
    case MessageType::reply:
    case MessageType::error: return judge_reply(s, m);
    case MessageType::signal: return judge_signal(s, m);
    case MessageType::call: return judge_call(s, m);
  }
  return drop(s);
}

}  // namespace xc::mediate::dbus
