// Messages of the client: what may go to the bus, and what is answered here, as the bus would (see dbus_session.h).
// Pure; runs in the worker on the bytes of a hostile container. Must never change state before it says "wait".
#include <algorithm>

#include "mediate/dbus_driver.h"
#include "mediate/dbus_session.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

using Act = Verdict::Act;

/// An answer of ours comes after what the bus still owes the client, as if the bus had written both.
Verdict answer(Session& s, const Header& call, std::string_view bytes_of_error, std::string_view text) {
  if (!call.wants_reply()) {
    ++s.tally.refusals;
    return {.reason = std::string(text)};
  }
  if (s.calls_out.bus_owes()) return {.act = Act::wait};
  ++s.tally.refusals;
  Header mine = call;
  mine.sender = s.names.self();
  return {.act = Act::answer,
          .bytes = write_error(mine, s.next_local_serial(), bytes_of_error, text, true),
          .reason = std::string(text)};
}

/// A method return of the bus's, made here.
Verdict answer_value(Session& s, const Header& call, const Ruling& ruling) {
  if (!call.wants_reply()) return {};
  if (s.calls_out.bus_owes()) return {.act = Act::wait};
  Header reply;
  reply.type = MessageType::reply;
  reply.flags = no_reply_expected;
  reply.serial = s.next_local_serial();
  reply.reply_serial = call.serial;
  reply.sender = bus_name;
  reply.destination = s.names.self();
  reply.signature = ruling.signature;
  return {.act = Act::answer, .bytes = write_message(reply, *ruling.body)};
}

/// The client's Hello: we said ours long ago. The bus tells of the name in a signal as well.
Result<Verdict> greet(Session& s, const Header& hello) {
  if (!hello.wants_reply() || hello.destination != bus_name || hello.interface != bus_name || hello.member != "Hello")
    return fail(Kind::policy, "D-Bus connection: the first message is not a call of Hello");
  s.state = Session::State::open;
  const std::string name = string_body(Order::little, s.names.self());
  Verdict verdict = answer_value(s, hello, {.act = Ruling::Act::answer, .body = name, .signature = "s"});
  Header acquired;
  acquired.type = MessageType::signal;
  acquired.flags = no_reply_expected;
  acquired.serial = s.next_local_serial();
  acquired.path = bus_path;
  acquired.interface = bus_name;
  acquired.member = "NameAcquired";
  acquired.sender = bus_name;
  acquired.destination = s.names.self();
  acquired.signature = "s";
  verdict.bytes += write_message(acquired, name);
  return verdict;
}

/// The message as the bus gets it: a serial of ours, no sender (the bus knows), no field we do not know.
Header towards_bus(Session& s, const Header& header) {
  Header out = header;
  out.serial = s.calls_out.next_serial();
  out.sender = {};
  ++s.tally.messages;
  return out;
}

Verdict pass(Session& s, const Header& header) {
  return {.act = Act::pass, .bytes = write_header(towards_bus(s, header))};
}

Verdict pass_call(Session& s, const Header& header, Call call) {
  if (header.wants_reply() && s.calls_out.full())
    return answer(s, header, limits_exceeded, "this link has too many calls without a reply");
  Verdict verdict{.act = Act::pass};
  const Header out = towards_bus(s, header);
  verdict.bytes = write_header(out);
  call.serial = header.serial;
  call.peer = header.destination;
  call.began = s.now;
  if (header.wants_reply()) s.calls_out.add(out.serial, std::move(call));
  return verdict;
}

std::string describe(const Header& header) {
  std::string what(header.interface.empty() ? "(no interface)" : header.interface);
  return what + "." + std::string(header.member) + " at " + std::string(header.path.substr(0, max_name));
}

/// The error for a peer that may not be called: what the bus says of a name that is not there, or of one that is.
Verdict refuse_peer(Session& s, const Header& call) {
  const std::string name(call.destination);
  if (s.names.visible(call.destination))
    return answer(s, call, access_denied, "this link may not call " + describe(call) + " of " + name);
  if ((call.flags & no_auto_start) != 0)
    return answer(s, call, "org.freedesktop.DBus.Error.NameHasNoOwner", "Name \"" + name + "\" does not exist");
  return answer(s, call, "org.freedesktop.DBus.Error.ServiceUnknown",
                "The name " + name + " was not provided by any .service files");
}

/// Judged by the name on the message; a unique name has the rights of the names it owns now.
bool may_send(const Session& s, std::string_view destination, const Subject& subject) {
  if (s.policy.all() || destination == s.names.self()) return true;
  if (!is_unique_name(destination)) return s.policy.may_call(destination, subject);
  return std::ranges::any_of(s.names.names_of(destination),
                             [&](const std::string& name) { return s.policy.may_call(name, subject); });
}

Verdict judge_peer_call(Session& s, const Message& m) {
  if (!may_send(s, m.header.destination, subject_of(s, m))) return refuse_peer(s, m.header);
  return pass_call(s, m.header, {});
}

Verdict judge_bus_call(Session& s, const Message& m) {
  Header header = m.header;
  if (header.destination.empty()) header.destination = bus_name;
  if (header.interface.empty()) header.interface = bus_name;  // said aloud, so that the bus looks nowhere else
  if (m.body.size() < header.body_size)
    return answer(s, header, limits_exceeded, "a call to the bus with so long a body is not mediated");
  if (header.wants_reply() && s.calls_out.full()) return pass_call(s, header, {});
  Ruling ruling = rule_on_bus_call({header, m.body}, s.policy, s.names, s.matches);
  if (ruling.act == Ruling::Act::refuse) return answer(s, header, ruling.name, ruling.text);
  if (ruling.act == Ruling::Act::answer) return answer_value(s, header, ruling);
  Call call{.expect = ruling.expect, .note = std::move(ruling.text), .ordered = ruling.ordered};
  if (!ruling.body) return pass_call(s, header, std::move(call));
  header.body_size = static_cast<std::uint32_t>(ruling.body->size());
  header.descriptors = 0;
  Verdict verdict = pass_call(s, header, std::move(call));
  verdict.act = Act::replace;
  verdict.bytes += *ruling.body;
  return verdict;
}

Verdict judge_call(Session& s, const Message& m) {
  if (m.header.descriptors > s.descriptor_limit())
    return answer(s, m.header, access_denied, "this link may not send as many descriptors in a message");
  if (m.header.destination.empty() || m.header.destination == bus_name) return judge_bus_call(s, m);
  return judge_peer_call(s, m);
}

bool may_signal(const Session& s, const Message& m) {
  const std::string_view to = m.header.destination;
  if (m.header.descriptors > s.descriptor_limit() || to == bus_name) return false;
  if (to.empty()) return s.policy.may_broadcast(subject_of(s, m));
  return s.names.is_caller(to) || may_send(s, to, subject_of(s, m));
}

/// Only what the peer waits for; a reply with too many descriptors becomes an error, so that it waits no longer.
Verdict judge_reply(Session& s, const Header& header) {
  if (!s.calls_in.take(header.destination, header.reply_serial)) {
    ++s.tally.refusals;
    return {.reason = "a reply that nobody waits for"};
  }
  if (header.descriptors <= s.descriptor_limit()) return pass(s, header);
  Header call;
  call.serial = header.reply_serial;
  call.sender = header.destination;
  return {.act = Act::replace,
          .bytes = write_error(call, s.calls_out.next_serial(), access_denied,
                               "the reply carried more descriptors than may pass", false)};
}

}  // namespace

Result<Verdict> judge_outbound(Session& s, const Message& m) {
  const Header& header = m.header;
  if (header.unknown_field) return fail(Kind::policy, "D-Bus message: a header field that is not known");
  if (!is_sound(m)) return fail(Kind::policy, "D-Bus message: the body is not what its signature says");
  if (s.state == Session::State::learning) return Verdict{.act = Act::wait};
  if (s.state == Session::State::ready) return greet(s, header);
  switch (header.type) {
    case MessageType::call: return judge_call(s, m);
    case MessageType::signal:
      if (may_signal(s, m)) return pass(s, header);
      ++s.tally.refusals;
      return Verdict{.reason = "this link may not send the signal " + describe(header)};
    case MessageType::reply:
    case MessageType::error: return judge_reply(s, header);
  }
  return fail(Kind::policy, "D-Bus message: a type that is not known");
}

}  // namespace xc::mediate::dbus
