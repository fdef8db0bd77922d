// One event of a link, as workers tell it and a trace shows it. Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace xc::model {

/// Which members there are depends on the event: "exchange" (HTTP), "message" (D-Bus, Wayland), "bytes", "opened",
/// "closed" (raw), "open", "denied", "allowed" (devices), "leased", "lease-refused", "lease-ended" (screens), "lost".
/// Times in microseconds.
struct Event {
  using Text = std::optional<std::string>;
  using Count = std::optional<std::uint64_t>;
  Count time;      ///< since 1970; stamped by the reader
  Text container;  ///< these four are stamped as well: a worker may say what it likes
  Text service;
  Text role;
  Text protocol;
  std::string event;
  Text from;  ///< "client", or who is on the other side
  Text type;
  Text verdict;
  Text method;
  Text path;  ///< of an "open": the program's file, as that program sees it
  Count status;
  Count sent;
  Count received;
  Text sender;
  Text destination;
  Text interface;
  Text member;
  Text error;
  Count serial;
  Count reply_serial;
  Count object;
  Text message;
  Text arguments;
  Count opcode;
  Count bytes;
  Count descriptors;
  Count us;  ///< from a request to its answer
  Text rule;
  Text reason;
  Text refused;
  Count pid;       ///< in the pid namespace of whoever looks
  Text program;    ///< what that process calls itself
  Text connector;  ///< of a screen
  Count lines;     ///< lost
  Count whole;     ///< bytes, when the payload is only the beginning
  Text payload;    ///< hexadecimal
};
template <class A>
void fields(A& a, Event& e) {
  a("time", e.time);
  a("container", e.container);
  a("service", e.service);
  a("role", e.role);
  a("protocol", e.protocol);
  a("event", e.event);
  a("from", e.from);
  a("type", e.type);
  a("verdict", e.verdict);
  a("method", e.method);
  a("path", e.path);
  a("status", e.status);
  a("sent", e.sent);
  a("received", e.received);
  a("sender", e.sender);
  a("destination", e.destination);
  a("interface", e.interface);
  a("member", e.member);
  a("error", e.error);
  a("serial", e.serial);
  a("reply-serial", e.reply_serial);
  a("object", e.object);
  a("message", e.message);
  a("arguments", e.arguments);
  a("opcode", e.opcode);
  a("bytes", e.bytes);
  a("descriptors", e.descriptors);
  a("us", e.us);
  a("rule", e.rule);
  a("reason", e.reason);
  a("refused", e.refused);
  a("pid", e.pid);
  a("program", e.program);
  a("connector", e.connector);
  a("lines", e.lines);
  a("whole", e.whole);
  a("payload", e.payload);
}

}  // namespace xc::model
