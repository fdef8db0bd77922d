// Addresses that are no path: "@name", "tcp:127.0.0.1:PORT", "fd:NAME",
// "connect:/path". Pure questions, no decisions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xc::model {

/// The port of "tcp:127.0.0.1:PORT" (1 to 65535, one spelling); nothing when it is another sort of address.
[[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view address);

/// The path of the rendezvous socket of "fd:NAME" in the container: a connection there gets the descriptor and ends.
/// Nothing when it is another sort of address.
[[nodiscard]] std::optional<std::string> rendezvous_of(std::string_view address);

/// Annotations by which xc-precreate tells xc-hook which place a variable names already, a number behind it.
inline constexpr std::string_view place_annotation = "io.xconnect.place.";

/// The path of "connect:/path": no file at all, connect(2) to that very path is redirected. Nothing when it is another
/// sort of address.
[[nodiscard]] std::optional<std::string_view> redirected_path(std::string_view address);

}  // namespace xc::model
