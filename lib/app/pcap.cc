#include "app/pcap.h"

#include <algorithm>

#include "base/escape.h"

namespace xc::app {
namespace {

constexpr std::uint32_t longest_message = 128U << 20U;  // of the bus itself
constexpr std::uint32_t link_type_dbus = 231;
constexpr std::size_t shortest_message = 16;

void put(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 255U);
}

}  // namespace

std::string pcap_header() {
  std::string out;
  put(out, 0xa1b2c3d4U);  // times in microseconds; written little-endian
  put(out, 2U | 4U << 16U);
  put(out, 0);
  put(out, 0);
  put(out, longest_message);
  put(out, link_type_dbus);
  return out;
}

std::optional<std::string> pcap_record(const model::Event& event) {
  if (event.event != "message" || event.object || !event.payload) return std::nullopt;
  const auto bytes = text::bytes_of_hex(*event.payload);
  if (!bytes || bytes->size() < shortest_message) return std::nullopt;
  const std::uint64_t whole = std::max<std::uint64_t>(event.whole.value_or(0), bytes->size());
  const std::uint64_t time = event.time.value_or(0);
  std::string out;
  put(out, static_cast<std::uint32_t>(time / 1'000'000));
  put(out, static_cast<std::uint32_t>(time % 1'000'000));
  put(out, static_cast<std::uint32_t>(bytes->size()));
  put(out, static_cast<std::uint32_t>(whole));
  return out + *bytes;
}

}  // namespace xc::app
