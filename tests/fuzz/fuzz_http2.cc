// Any bytes of a client and of a provider through the HTTP/2 mediator: it survives, its memory is bounded, what it says
// to both is made of whole frames, and it comes to rest.
//
// The input is a row of turns: one byte whose lowest bits say who speaks (and whether time passes or he leaves), two
// with the length, then the words. The beginnings every peer of HTTP/2 needs are said already.
#include <cstdint>
#include <string>
#include <string_view>

#include "rest_pair.h"

namespace {

using namespace xc;
using mediate::require;

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const std::string settings("\0\0\0\4\0\0\0\0\0", 9);

/// `bytes` are whole frames, but for the last, which may be incomplete.
void check_frames(std::string_view bytes) {
  while (bytes.size() >= 9) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t size = (std::size_t{byte(0)} << 16U) | (std::size_t{byte(1)} << 8U) | byte(2);
    require(byte(3) <= 9 && size <= 16384, "no frame of RFC 9113");
    bytes.remove_prefix(std::min(bytes.size(), size + 9));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  model::RoleRules rules;
  rules.rest = model::RestRules{true, false, {}, {}, {}, "h2c"};
  if ((data[0] & 1U) != 0) rules.rest = model::RestRules{false, false, {{{"GET"}, {"/"}}}, 100, {}, "h2c"};
  mediate::RestPair pair(rules, mediate::make_mediator);
  const bool raw = (data[0] & 2U) != 0;
  if (!raw) pair.say(pair.from_client, std::string(preface) + settings, 0);
  if (!raw) pair.say(pair.from_server, settings, 0);
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (bytes.size() > 3) {
    const auto what = static_cast<unsigned char>(bytes[0]);
    const auto length =
        static_cast<std::size_t>(static_cast<unsigned char>(bytes[1]) * 256U + static_cast<unsigned char>(bytes[2]));
    bytes.remove_prefix(3);
    auto& from = (what & 1U) != 0 ? pair.from_server : pair.from_client;
    pair.say(from, bytes.substr(0, length), (what & 2U) != 0 ? 1 : 0);
    bytes.remove_prefix(std::min(length, bytes.size()));
    if ((what & 12U) == 12U) pair.expire();
    if ((what & 48U) == 48U) pair.end(from);
  }
  if (pair.client_heard.starts_with("HTTP/1.1 505 ")) return 0;
  check_frames(pair.client_heard);
  require(pair.server_heard.starts_with(preface.substr(0, pair.server_heard.size())), "the provider hears a preface");
  if (pair.server_heard.size() > preface.size())
    check_frames(std::string_view(pair.server_heard).substr(preface.size()));
  pair.end(pair.from_client);
  require(pair.over(), "the end of the client is the end");
  return 0;
}
