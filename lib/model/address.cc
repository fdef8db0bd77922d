#include "model/address.h"

#include "base/text.h"

namespace xc::model {
namespace {

constexpr std::string_view loopback = "tcp:127.0.0.1:";
constexpr std::string_view handed_over = "fd:";
constexpr std::string_view redirected = "connect:";
// A tmpfs of the engine's own in every container: writable while it starts, even below a read-only root.
constexpr std::string_view rendezvous = "/dev/xconnect/";

}  // namespace

std::optional<std::uint16_t> port_of(std::string_view address) {
  if (!address.starts_with(loopback)) return std::nullopt;
  const std::string_view digits = address.substr(loopback.size());
  const auto port = text::parse_number(digits);
  if (!port || *port == 0 || *port > 65535 || text::number(*port) != digits) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

std::optional<std::string> rendezvous_of(std::string_view address) {
  if (!address.starts_with(handed_over)) return std::nullopt;
  return std::string(rendezvous) + std::string(address.substr(handed_over.size()));
}

std::optional<std::string_view> redirected_path(std::string_view address) {
  if (!address.starts_with(redirected)) return std::nullopt;
  return address.substr(redirected.size());
}

}  // namespace xc::model
