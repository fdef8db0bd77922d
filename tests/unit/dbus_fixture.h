// A mediated D-Bus link between a scripted client and a scripted bus, for unit tests. With `drip` every byte arrives
// alone.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "mediate/dbus_message.h"
#include "mediate/dbus_syntax.h"
#include "mediate/mediator.h"
#include "two_peers.h"

namespace xc::mediate::dbus {

using namespace std::string_view_literals;

/// A message as somebody received it, with strings of its own.
struct Heard {
  MessageType type = MessageType::call;
  std::uint8_t flags = 0;
  std::uint32_t serial = 0;
  std::uint32_t reply_serial = 0;
  std::string path{};
  std::string interface{};
  std::string member{};
  std::string error{};
  std::string destination{};
  std::string sender{};
  std::string signature{};
  std::string body{};
  std::size_t descriptors = 0;

  /// The first argument, a string.
  [[nodiscard]] std::string text() const {
    Reader reader(body, Order::little);
    return std::string(reader.string());
  }
  [[nodiscard]] std::vector<std::string> names() const {
    Reader reader(body, Order::little);
    const std::size_t end = reader.array(4) + reader.position();
    std::vector<std::string> out;
    while (reader.ok() && reader.position() < end) out.emplace_back(reader.string());
    return out;
  }
  /// In one line, for expectations: "error org.x.Y -> 7" or "call org.x.Y.Member".
  [[nodiscard]] std::string line() const {
    switch (type) {
      case MessageType::call: return "call " + destination + " " + interface + "." + member;
      case MessageType::signal: return "signal " + interface + "." + member;
      case MessageType::reply: return "reply -> " + std::to_string(reply_serial);
      case MessageType::error: return "error " + error + " -> " + std::to_string(reply_serial);
    }
    return "unknown";
  }
};

inline std::vector<Heard> take_messages(Stream& from) {
  std::vector<Heard> out;
  while (from.data().size() >= measurable) {
    const auto extent = measure(from.data());
    if (!extent || from.data().size() < extent->header + extent->body) break;
    const auto header = parse_header(from.data().substr(0, extent->header));
    if (!header) break;
    Heard heard;
    heard.type = header->type;
    heard.flags = header->flags;
    heard.serial = header->serial;
    heard.reply_serial = header->reply_serial;
    heard.path = header->path;
    heard.interface = header->interface;
    heard.member = header->member;
    heard.error = header->error_name;
    heard.destination = header->destination;
    heard.sender = header->sender;
    heard.signature = header->signature;
    heard.body = from.data().substr(extent->header, extent->body);
    heard.descriptors = from.take_descriptors(extent->header + extent->body).size();
    EXPECT_EQ(heard.descriptors, header->descriptors);
    from.consume(extent->header + extent->body);
    out.push_back(std::move(heard));
  }
  return out;
}

inline std::vector<std::string> lines(const std::vector<Heard>& messages) {
  std::vector<std::string> out;
  for (const Heard& heard : messages) out.push_back(heard.line());
  return out;
}

inline std::string strings_body(const std::vector<std::string_view>& texts) {
  Writer writer(Order::little);
  for (const auto text : texts) writer.string(text);
  return writer.take();
}

inline std::string list_body(const std::vector<std::string_view>& texts) {
  Writer writer(Order::little);
  writer.uint32(0);
  for (const auto text : texts) writer.string(text);
  writer.patch(0, static_cast<std::uint32_t>(writer.size() - 4));
  return writer.take();
}

inline Header call_of(std::uint32_t serial, std::string_view destination, std::string_view interface,
                      std::string_view member, std::string_view path = "/org/pv/obj") {
  Header header;
  header.serial = serial;
  header.destination = destination;
  header.interface = interface;
  header.member = member;
  header.path = path;
  return header;
}

inline Header signal_of(std::uint32_t serial, std::string_view interface, std::string_view member,
                        std::string_view destination = {}, std::string_view path = "/org/pv/obj") {
  Header header = call_of(serial, destination, interface, member, path);
  header.type = MessageType::signal;
  return header;
}

inline Header reply_to(std::uint32_t reply_serial, std::string_view sender, std::string_view destination) {
  Header header;
  header.type = MessageType::reply;
  header.serial = 900;
  header.reply_serial = reply_serial;
  header.sender = sender;
  header.destination = destination;
  return header;
}

class Link : public TwoPeers {
 public:
  explicit Link(model::DbusRules rules, bool drip = false, Upstream upstream = Upstream::connected,
                Observer* observer = nullptr)
      : TwoPeers("test", model::Type::dbus, rights_of({model::RoleRules{.dbus = std::move(rules)}}), drip, upstream,
                 observer) {}

  std::string client(std::string_view bytes) { return feed(from_client, bytes); }
  std::string client(Header header, std::string_view body = {}, std::vector<Fd> descriptors = {}) {
    return feed(from_client, write_message(std::move(header), body), std::move(descriptors));
  }
  std::string bus(std::string_view bytes) { return feed(from_server, bytes); }
  std::string bus(Header header, std::string_view body = {}, std::vector<Fd> descriptors = {}) {
    return feed(from_server, write_message(std::move(header), body), std::move(descriptors));
  }

  /// Handshake and Hello; the bus has `owners` (name, unique). The client is :1.7 and has used serial 1.
  void open(const std::vector<std::pair<std::string_view, std::string_view>>& owners = {}) {
    log_in("NEGOTIATE_UNIX_FD\r\n");
    EXPECT_EQ(client(call_of(1, bus_name, bus_name, "Hello", bus_path)), "");
    answer_greeting(owners);
    EXPECT_EQ(lines(take_messages(to_client)),
              (std::vector<std::string>{"reply -> 1", "signal org.freedesktop.DBus.NameAcquired"}));
  }

  /// Both handshakes; what they said is taken out of the streams, what we ask the bus is not.
  void log_in(std::string_view client_lines = {}) {
    EXPECT_EQ(client("\0AUTH EXTERNAL 30\r\n"sv), "");
    EXPECT_EQ(bus("DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"), "");
    EXPECT_EQ(client(client_lines), "");
    EXPECT_EQ(client("BEGIN\r\n"), "");
    to_server.consume(opening.size());
    to_client.consume(to_client.data().size());
  }
  static constexpr std::string_view opening = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv;

  void answer_greeting(const std::vector<std::pair<std::string_view, std::string_view>>& owners) {
    std::vector<std::string_view> names = {bus_name, ":1.7"};
    for (const auto& [name, unique] : owners) {
      names.push_back(name);
      names.push_back(unique);
    }
    for (auto questions = take_messages(to_server); !questions.empty(); questions = take_messages(to_server)) {
      for (Heard& question : questions) {
        if (question.destination != bus_name) {
          passed_.push_back(std::move(question));
          continue;
        }
        Header reply = reply_to(question.serial, bus_name, ":1.7");
        std::string body;
        if (question.member == "Hello") body = strings_body({":1.7"});
        if (question.member == "ListNames") body = list_body(names);
        for (const auto& [name, unique] : owners)
          if (question.member == "GetNameOwner" && question.text() == name) body = strings_body({unique});
        if (!body.empty()) reply.signature = question.member == "ListNames" ? "as" : "s";
        EXPECT_EQ(bus(reply, body), "");
      }
    }
  }

  std::string owner_changed(std::string_view name, std::string_view before, std::string_view after) {
    Header signal = signal_of(901, bus_name, "NameOwnerChanged", {}, bus_path);
    signal.sender = bus_name;
    signal.signature = "sss";
    return bus(signal, strings_body({name, before, after}));
  }

  std::vector<Heard> bus_heard() {
    auto heard = std::exchange(passed_, {});
    for (Heard& message : take_messages(to_server)) heard.push_back(std::move(message));
    return heard;
  }
  std::vector<Heard> client_heard() { return take_messages(to_client); }

 private:
  std::vector<Heard> passed_;  // to peers, while the greeting was answered
};

}  // namespace xc::mediate::dbus
