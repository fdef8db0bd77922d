// What became of a message; see the header. Pure, runs in the worker.
#include "mediate/dbus_event.h"

#include <string_view>

#include "base/escape.h"
#include "base/json_out.h"

namespace xc::mediate::dbus {
namespace {

std::string_view name_of(MessageType type) {
  switch (type) {
    case MessageType::call: return "call";
    case MessageType::reply: return "reply";
    case MessageType::error: return "error";
    case MessageType::signal: return "signal";
  }
  return "unknown";
}

std::string_view name_of(Verdict::Act act) {
  switch (act) {
    case Verdict::Act::pass:
    case Verdict::Act::replace: return "passed";
    case Verdict::Act::answer: return "answered";
    case Verdict::Act::drop: return "dropped";
    case Verdict::Act::wait: break;
  }
  return "waiting";
}

}  // namespace

std::string describe_event(const Terms& terms, const Session& session, bool outbound, const Message& message,
                           const Verdict& verdict) {
  const Header& header = message.header;
  std::string line = "{\"event\":\"message\"";
  const auto add = [&line](std::string_view name, std::string_view value) {
    if (!value.empty()) line += "," + json_string(name) + ":" + json_string(value);
  };
  const auto count = [&line](std::string_view name, std::uint64_t value) {
    if (value != 0) line += "," + json_string(name) + ":" + text::number(value);
  };
  add("client", terms.client);
  add("role", terms.role);
  add("service", terms.service);
  add("from", outbound ? "client" : "bus");
  add("type", name_of(header.type));
  // Before the client has said Hello, the bus answers questions of our own.
  const bool ours = !outbound && session.state != Session::State::open && verdict.act == Verdict::Act::drop;
  add("verdict", ours ? "kept" : name_of(verdict.act));
  add("sender", header.sender);
  add("destination", header.destination);
  add("interface", header.interface);
  add("member", header.member);
  add("path", header.path);
  add("error", header.error_name);
  count("serial", header.serial);
  count("reply-serial", header.reply_serial);
  count("bytes", header.body_size);
  count("descriptors", header.descriptors);
  if (verdict.began != 0) count("us", terms.now() - verdict.began);
  add("reason", verdict.reason);
  add("rule", deciding_rules(session, outbound, message));
  if (terms.observer->wants_payload()) {
    const std::string head = write_header(header);
    if (message.body.size() < header.body_size) count("whole", head.size() + header.body_size);
    add("payload", text::hex(head + std::string(message.body)));
  }
  return line + '}';
}

}  // namespace xc::mediate::dbus
