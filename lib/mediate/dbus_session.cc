// State shared by both directions; see the header. Pure, runs in the worker.
#include "mediate/dbus_session.h"

#include <algorithm>

#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

constexpr std::string_view owner_changes =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged'";

/// One value, when it is a text; others are passed over.
std::optional<std::string_view> read_text(Reader& reader, std::string_view type) {
  if (type == "s") return reader.string();
  if (type == "o") return reader.path();
  if (type == "g") return reader.signature();
  reader.skip(type);
  return std::nullopt;
}

/// Bytes of a long body that rules may look at.
std::size_t looked_at(const Session& session, const Header& header) {
  if (session.policy.looks_at_arguments()) return max_checked_body;
  return header.interface == properties_interface ? first_argument : 0;
}

}  // namespace

void Session::ask(std::string_view member, std::string_view argument, Expect expect) {
  Header call;
  call.serial = calls_out.next_serial();
  call.path = bus_path;
  call.interface = bus_name;
  call.member = member;
  call.destination = bus_name;
  std::string body;
  if (!argument.empty()) {
    call.signature = "s";
    body = string_body(call.order, argument);
  }
  calls_out.add(call.serial,
                {.expect = expect, .peer = std::string(bus_name), .note = std::string(argument), .ordered = true});
  questions_ += write_message(call, body);
  ++outstanding_;
}

void Session::start() {
  ask("Hello", {}, Expect::own_hello);
  ask("AddMatch", owner_changes, Expect::own_match);
  if (!policy.all()) ask("ListNames", {}, Expect::own_names);
}

void Session::ask_owner(std::string_view name) {
  ask("GetNameOwner", name, Expect::own_owner);
}

void Session::learned() {
  --outstanding_;
  if (outstanding_ == 0) state = State::ready;
}

std::uint32_t Session::next_local_serial() {
  if (++local_serial_ == 0) ++local_serial_;
  return local_serial_;
}

Subject subject_of(const Session& session, const Message& message) {
  const Header& header = message.header;
  Subject subject{header.interface, header.member, header.path, std::nullopt, {}, header.descriptors};
  const bool all = session.policy.looks_at_arguments();
  if (!all && header.interface != properties_interface) return subject;
  Reader reader(message.body, header.order);
  std::string_view signature = header.signature;
  for (std::size_t i = 0; i < (all ? 4U : 1U) && !signature.empty(); ++i) {
    const std::string_view type = signature.substr(0, type_length(signature));
    signature.remove_prefix(type.size());
    const auto value = read_text(reader, type);
    if (!reader.ok()) break;
    (i == 0 ? subject.arg0 : subject.more[i - 1]) = value;
  }
  return subject;
}

bool is_sound(const Message& message) {
  const Header& header = message.header;
  return message.body.size() < header.body_size || is_body(message.body, header.signature, header.order);
}

std::size_t wanted_outbound(const Session& session, const Header& header) {
  return header.body_size <= max_checked_body ? header.body_size : looked_at(session, header);
}

std::size_t wanted_inbound(const Session& session, const Header& header) {
  if (header.body_size <= max_checked_body) return header.body_size;
  if (header.sender == bus_name) {
    const Call* call = session.calls_out.find(header.reply_serial);
    const bool judged = call != nullptr && call->expect != Expect::reply && call->expect != Expect::match;
    return judged ? header.body_size : 0;
  }
  return looked_at(session, header);
}

std::string deciding_rules(const Session& session, bool outbound, const Message& message) {
  const Header& header = message.header;
  const bool call = header.type == MessageType::call;
  if (session.state != Session::State::open || (!call && header.type != MessageType::signal)) return {};
  const std::string_view peer = outbound ? header.destination : header.sender;
  if (peer.empty() || peer == bus_name || (call && !outbound)) return {};
  const Subject subject = subject_of(session, message);
  const auto rules = [&](std::string_view name) {
    return outbound ? session.policy.calling(name, subject) : session.policy.hearing(name, subject);
  };
  if (!is_unique_name(peer) || session.policy.all()) return rules(peer);
  for (const std::string& name : session.names.names_of(peer))
    if (auto found = rules(name); !found.empty()) return found;
  return {};
}

}  // namespace xc::mediate::dbus
