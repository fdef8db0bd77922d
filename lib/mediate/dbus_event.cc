// What became of a message; see the header. Pure, runs in the worker.
#include "mediate/dbus_event.h"

#include <string_view>

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

std::string describe_event(const Terms& terms, bool outbound, const Header& header, const Verdict& verdict) {
  std::string line = "{\"event\":\"message\"";
  const auto add = [&line](std::string_view name, std::string_view value) {
    if (!value.empty()) line += "," + json_string(name) + ":" + json_string(value);
  };
  const auto count = [&line](std::string_view name, std::uint32_t value) {
    if (value != 0) line += "," + json_string(name) + ":" + text::number(value);
  };
  add("client", terms.client);
  add("role", terms.role);
  add("service", terms.service);
  add("from", outbound ? "client" : "bus");
  add("type", name_of(header.type));
  add("verdict", name_of(verdict.act));
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
  return line + '}';
}

}  // namespace xc::mediate::dbus
