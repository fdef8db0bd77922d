// State shared by both directions; see the header. Pure, runs in the worker.
#include "mediate/dbus_session.h"

#include <algorithm>

#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

constexpr std::string_view owner_changes =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged'";

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

Subject subject_of(const Message& message) {
  const Header& header = message.header;
  Subject subject{header.interface, header.member, header.path, std::nullopt};
  if (header.interface == properties_interface && header.signature.starts_with('s')) {
    Reader reader(message.body, header.order);
    const std::string_view first = reader.string();
    if (reader.ok()) subject.arg0 = first;
  }
  return subject;
}

bool is_sound(const Message& message) {
  const Header& header = message.header;
  return message.body.size() < header.body_size || is_body(message.body, header.signature, header.order);
}

std::size_t wanted_outbound(const Session& /*session*/, const Header& header) {
  if (header.body_size <= max_checked_body) return header.body_size;
  return header.interface == properties_interface ? first_argument : 0;
}

std::size_t wanted_inbound(const Session& session, const Header& header) {
  if (header.body_size <= max_checked_body) return header.body_size;
  if (header.sender == bus_name) {
    const Call* call = session.calls_out.find(header.reply_serial);
    const bool judged = call != nullptr && call->expect != Expect::reply && call->expect != Expect::match;
    return judged ? header.body_size : 0;
  }
  return header.interface == properties_interface ? first_argument : 0;
}

}  // namespace xc::mediate::dbus
