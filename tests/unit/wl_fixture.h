// A mediated Wayland link between a scripted client and a scripted compositor, for unit tests. With `drip` every byte
// arrives alone. Messages are written and read as lines: "2 wl_registry.bind 1 wl_shm 1 3".
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "mediate/wl_wire.h"
#include "two_peers.h"

namespace xc::mediate::wl {

using Lines = std::vector<std::string>;

/// The message a line describes: OBJECT INTERFACE.MESSAGE ARGUMENT..., where "fd" is a descriptor, "null" no object or
/// string, and a string is one word; '_' in it is a blank.
inline std::string message(Direction direction, const std::string& line) {
  std::istringstream words(line);
  std::uint32_t object = 0;
  std::string name;
  words >> object >> name;
  const auto dot = name.find('.');
  const auto named = find_message(*find_interface(name.substr(0, dot)), direction, name.substr(dot + 1));
  if (!named) throw std::runtime_error("no message " + name);
  Writer writer(object, named->opcode);
  const auto number = [&] {
    std::string word;
    words >> word;
    return word == "null" ? 0 : static_cast<std::uint32_t>(std::stoul(word));
  };
  const auto string = [&] {
    std::string word;
    words >> word;
    for (char& c : word) c = c == '_' && name.find("set_") != std::string::npos ? ' ' : c;
    word == "null" ? writer.number(0) : writer.string(word);
  };
  for (const std::uint16_t word : named->spec.args) {
    const ArgSpec spec{word};
    if (spec.type() == ArgType::descriptor) {
      words >> name;
    } else if (spec.type() == ArgType::string) {
      string();
    } else if (spec.type() == ArgType::new_id && spec.interface() == any_interface) {
      string();
      writer.number(number());
      writer.number(number());
    } else {
      writer.number(number());
    }
  }
  return writer.take();
}

/// Reads a stream as its receiver would: bytes, and descriptors as the socket would deliver them.
class Listener {
 public:
  explicit Listener(Direction direction) : direction_(direction) {
    types_[1] = *find_interface("wl_display");
    types_[2] = *find_interface("wl_registry");
  }
  void know(std::uint32_t object, std::string_view interface) { types_[object] = *find_interface(interface); }

  Lines take(Stream& stream) {
    Lines lines;
    while (!stream.empty()) {
      const Header header = parse_header(stream.data());
      EXPECT_LE(header.size, stream.data().size()) << "half a message";
      for (const Pin& pin : stream.pins()) EXPECT_LE(pin.descriptors.size(), 28U);
      const auto arrived = stream.take_descriptors(header.size).size();
      waiting_ += arrived;
      lines.push_back(line_of(header, stream.data().substr(header_size, header.size - header_size)));
      stream.consume(header.size);
    }
    return lines;
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }

 private:
  std::string line_of(const Header& header, std::string_view body) {
    const auto spec = find_message(types_.at(header.object), direction_, header.opcode);
    std::string line = std::to_string(header.object) + " " + std::string(name_of(types_.at(header.object))) + "." +
                       std::string(spec->name());
    Args args;
    EXPECT_TRUE(parse_args(*spec, body, args)) << line;
    EXPECT_GE(waiting_, args.descriptors) << line << ": a descriptor came late";
    waiting_ -= args.descriptors;
    for (const Arg& arg : args) {
      if (arg.spec.type() == ArgType::new_id)
        types_[arg.value] =
            arg.spec.interface() == any_interface ? *find_interface(arg.interface) : arg.spec.interface();
      if (arg.spec.type() == ArgType::descriptor)
        line += " fd";
      else if (arg.spec.type() == ArgType::string)
        line += " " + (arg.value == 0 ? "null" : std::string(arg.text));
      else if (arg.spec.type() == ArgType::new_id && !arg.interface.empty())
        line += " " + std::string(arg.interface) + " " + std::to_string(arg.version) + " " + std::to_string(arg.value);
      else
        line += " " + std::to_string(arg.value);
    }
    return line;
  }

  Direction direction_;
  std::map<std::uint32_t, InterfaceId> types_;
  std::size_t waiting_ = 0;
};

class Link : public TwoPeers {
 public:
  explicit Link(bool drip, std::vector<model::WaylandRules> layers = {}, Upstream upstream = Upstream::connected,
                Observer* observer = nullptr, bool render_node = false)
      : TwoPeers("panel", model::Type::wayland, rights_with(std::move(layers), render_node), drip, upstream, observer) {
  }

  std::string client(const std::string& line, std::size_t descriptors = 0) {
    return feed(from_client, message(Direction::request, line), some_descriptors(descriptors));
  }
  std::string server(const std::string& line, std::size_t descriptors = 0) {
    return feed(from_server, message(Direction::event, line), some_descriptors(descriptors));
  }
  std::string client_bytes(std::string_view bytes, std::size_t descriptors = 0) {
    return feed(from_client, bytes, some_descriptors(descriptors));
  }
  Lines server_heard() { return at_server.take(to_server); }
  Lines client_heard() { return at_client.take(to_client); }

  /// The registry is object 2, and the globals were announced: name, interface, version.
  void open(const Lines& globals) {
    EXPECT_EQ(client("1 wl_display.get_registry 2"), "");
    for (const std::string& global : globals) EXPECT_EQ(server("2 wl_registry.global " + global), "");
    EXPECT_EQ(server_heard(), Lines{"1 wl_display.get_registry 2"});
  }

  /// The connection was refused with this wl_display.error, and nothing else is to come.
  void expect_refused(const std::string& error) {
    EXPECT_EQ(client_heard(), Lines{"1 wl_display.error " + error});
    EXPECT_TRUE(to_client.ended());
    EXPECT_EQ(mediator().patience(), std::chrono::seconds(2));
  }
  Listener at_server{Direction::request};
  Listener at_client{Direction::event};

 private:
  static model::Rights rights_with(std::vector<model::WaylandRules> layers, bool render_node) {
    std::vector<model::RoleRules> all;
    for (auto& rules : layers) all.push_back({.wayland = std::move(rules)});
    model::Rights rights = rights_of(std::move(all));
    rights.render_node = render_node;
    return rights;
  }
};

class Wayland : public testing::TestWithParam<bool> {};

}  // namespace xc::mediate::wl
