// The whole mediator between a hostile client and a hostile compositor. The input is a list of pieces: who speaks, how
// many descriptors come along, how many bytes, the bytes. What must hold always: only whole messages leave, a bind
// names what was shown and nothing newer, descriptors leave at most 28 together and no later than their message, and no
// queue grows beyond its bound.
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "../unit/two_peers.h"
#include "mediate/wl_core.h"
#include "mediate/wl_wire.h"

namespace {

using namespace xc::mediate;
using namespace xc::mediate::wl;

void require(bool good) {
  if (!good) std::abort();
}

struct Fuzzed : TwoPeers {
  std::map<std::uint32_t, std::pair<std::string, std::uint32_t>> shown{};

  Fuzzed() : TwoPeers("fuzz", xc::model::Type::wayland, rights()) {}

  static xc::model::Rights rights() {
    xc::model::WaylandRules rules;
    rules.app_id.pin = "org.{client}";
    rules.title.prefix = "[{client}] ";
    return rights_of({xc::model::RoleRules{.wayland = rules}});
  }

  bool advance() {
    const bool good = TwoPeers::advance().has_value();
    for (Stream* stream : {&from_client, &from_server, &to_server, &to_client}) {
      std::size_t waiting = 0;
      for (const Pin& pin : stream->pins()) waiting += pin.descriptors.size();
      require(waiting <= 600);
    }
    take_events();
    take_requests();
    return good;
  }

  template <class See>
  static void take(Stream& stream, const See& see) {
    for (const Pin& pin : stream.pins()) require(pin.descriptors.size() <= 28);
    while (!stream.empty()) {
      require(stream.data().size() >= header_size);
      const Header header = parse_header(stream.data());
      require(is_sane(header) && header.size <= stream.data().size());
      see(header, stream.data().substr(header_size, header.size - header_size));
      stream.consume(header.size);
    }
  }

  static Args read(Direction direction, std::uint16_t opcode, std::string_view body) {
    Args args;
    require(parse_args(*find_message(core().registry, direction, opcode), body, args));
    return args;
  }

  void take_events() {
    take(to_client, [&](const Header& header, std::string_view body) {
      if (header.object != 2 || header.opcode != core().global) return;  // the registry, see open()
      const Args args = read(Direction::event, header.opcode, body);
      require(args[1].text != "zwlr_screencopy_manager_v1" && find_interface(args[1].text).has_value());
      require(args[2].value <= version_of(*find_interface(args[1].text)));
      shown[args[0].value] = {std::string(args[1].text), args[2].value};
    });
  }

  void take_requests() {
    take(to_server, [&](const Header& header, std::string_view body) {
      if (header.object != 2 || header.opcode != core().bind) return;
      const Args args = read(Direction::request, header.opcode, body);
      const auto found = shown.find(args[0].value);
      require(found != shown.end() && found->second.first == args[1].interface);
      require(args[1].version >= 1 && args[1].version <= found->second.second);
    });
  }

  /// A registry with what a desktop has, and some of it bound: the inner states are reached.
  void open() {
    from_client.append(Writer(1, 1).number(2).take());
    std::uint32_t number = 0;
    for (const char* global : {"wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat", "wl_data_device_manager",
                               "zwlr_screencopy_manager_v1", "acme_unknown"})
      from_server.append(Writer(2, core().global).number(++number).string(global).number(3).take());
    require(advance());
    number = 0;
    for (const char* global : {"wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat", "wl_data_device_manager"}) {
      ++number;
      const std::uint32_t version = number == 2 ? 1 : 3;
      from_client.append(
          Writer(2, core().bind).number(number).string(global).number(version).number(number + 2).take());
    }
    from_client.append(Writer(3, 0).number(8).take());            // a surface
    from_client.append(Writer(5, 2).number(9).number(8).take());  // its window
    from_client.append(Writer(9, 1).number(10).take());
    from_client.append(Writer(7, 1).number(11).number(6).take());  // a data device
    require(advance());
    require(mediator().patience() == std::nullopt);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (rest.empty() || size > 64UL * 1024) return 0;
  Fuzzed fuzzed;
  if ((rest.front() & 1) == 0) fuzzed.open();
  rest.remove_prefix(1);
  while (rest.size() >= 3) {
    const auto order = static_cast<unsigned char>(rest[0]);
    const std::size_t wanted = static_cast<unsigned char>(rest[1]);
    const std::size_t descriptors = static_cast<unsigned char>(rest[2]) % 40U;
    rest.remove_prefix(3);
    const std::string_view piece = rest.substr(0, wanted);
    rest.remove_prefix(piece.size());
    Stream& stream = (order & 1) != 0 ? fuzzed.from_server : fuzzed.from_client;
    if (stream.ended() || piece.size() > stream.room()) continue;
    const std::uint64_t start = stream.end_position();
    stream.append(piece);
    if (!piece.empty()) stream.pin_at(start, some_descriptors(descriptors));
    if ((order & 2) != 0) stream.end();
    if (!fuzzed.advance()) return 0;
  }
  return 0;
}
