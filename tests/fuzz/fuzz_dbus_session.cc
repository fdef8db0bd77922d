// The whole mediator between a hostile client and a hostile bus. The input is a list of pieces: who speaks, how many
// bytes, the bytes; plus orders to answer as a decent bus would, so that the inner states are reached. What must hold
// always: a forbidden name never reaches the bus, no stream grows beyond its bound, every message that leaves is sound.
#include <cstdlib>
#include <string>
#include <string_view>

#include "../unit/two_peers.h"
#include "mediate/dbus_message.h"
#include "mediate/dbus_syntax.h"

namespace {

using namespace xc::mediate;
using namespace xc::mediate::dbus;
using namespace std::string_view_literals;

void require(bool good) {
  if (!good) std::abort();
}

constexpr std::size_t bound = Stream::default_capacity + 2 * max_header + 128 * 1024;

/// Checks and takes the messages that left towards one side; what is cut off by the end of the input stays.
void take_sound(Stream& from, bool to_bus) {
  require(from.data().size() <= bound + 1024 * 1024);
  while (from.data().size() >= measurable) {
    const auto extent = measure(from.data());
    require(extent.has_value());
    if (from.data().size() < extent->header) return;
    const auto header = parse_header(from.data().substr(0, extent->header));
    require(header.has_value() && !header->unknown_field);
    if (to_bus) require(header->destination != "org.pv.Hidden" && header->sender.empty());
    if (from.data().size() < extent->header + extent->body) return;
    from.consume(extent->header + extent->body);
  }
}

Header from_bus(std::uint32_t reply_serial) {
  Header header;
  header.type = reply_serial != 0 ? MessageType::reply : MessageType::signal;
  header.serial = 1;
  header.reply_serial = reply_serial;
  header.sender = bus_name;
  header.destination = ":1.7";
  return header;
}

std::string list_of_names() {
  Writer writer(Order::little);
  writer.uint32(0);
  for (const auto name : {bus_name, ":1.7"sv, "org.pv.Allowed"sv, "org.pv.Hidden"sv}) writer.string(name);
  writer.patch(0, static_cast<std::uint32_t>(writer.size() - 4));
  return writer.take();
}

struct Fuzzed : TwoPeers {
  bool open = false;

  Fuzzed() : TwoPeers("fuzz", xc::model::Type::dbus, rights()) {}

  static xc::model::Rights rights() {
    xc::model::DbusRules rules =
        xc::model::DbusRules{.talk = {"org.pv.Allowed"}, .own = {"org.pv.Mine.*"}, .interface = {"org.pv.Face"}};
    return rights_of({xc::model::RoleRules{.dbus = rules}});
  }

  bool advance() {
    const bool good = TwoPeers::advance().has_value();
    if (open) {
      take_sound(to_server, true);
      take_sound(to_client, false);
    } else {
      require(to_client.data().size() <= bound);
    }
    return good;
  }

  /// Handshake, Hello and what the mediator asks.
  bool log_in() {
    from_client.append("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv);
    from_server.append("DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n");
    require(advance());
    to_client.consume(to_client.data().size());
    to_server.consume("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv.size());
    Header hello = from_bus(0);
    hello.type = MessageType::call;
    hello.sender = {};
    hello.destination = bus_name;
    hello.path = bus_path;
    hello.interface = bus_name;
    hello.member = "Hello";
    from_client.append(write_message(hello, {}));
    open = true;
    require(advance());
    // The mediator's serials begin with 1: Hello, AddMatch and ListNames; GetNameOwner is the fourth.
    Header self = from_bus(1);
    self.signature = "s";
    from_server.append(write_message(self, string_body(Order::little, ":1.7")));
    from_server.append(write_message(from_bus(2), {}));
    Header names = from_bus(3);
    names.signature = "as";
    from_server.append(write_message(names, list_of_names()));
    require(advance());
    self.reply_serial = 4;
    from_server.append(write_message(self, string_body(Order::little, ":1.1")));
    require(advance());
    require(mediator().patience() == std::nullopt);
    return true;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty() || size > 256UL * 1024) return 0;
  Fuzzed fuzzed;
  if ((rest.front() & 1) != 0) fuzzed.log_in();
  rest.remove_prefix(1);
  while (rest.size() >= 3) {
    const auto order = static_cast<unsigned char>(rest[0]);
    const std::size_t wanted = static_cast<unsigned char>(rest[1]) * 256U + static_cast<unsigned char>(rest[2]);
    rest.remove_prefix(3);
    const std::string_view piece = rest.substr(0, wanted);
    rest.remove_prefix(piece.size());
    Stream& stream = (order & 1) != 0 ? fuzzed.from_server : fuzzed.from_client;
    if (stream.ended()) continue;
    stream.append(piece.substr(0, stream.room()));
    if ((order & 2) != 0) stream.end();
    if (!fuzzed.advance()) return 0;
    if (!fuzzed.open) {
      fuzzed.to_client.consume((order & 4) != 0 ? 4096 : 0);
      fuzzed.to_server.consume((order & 8) != 0 ? 4096 : 0);
    }
  }
  return 0;
}
