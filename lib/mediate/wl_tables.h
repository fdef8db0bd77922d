// What is known about the Wayland protocol: interfaces, their messages and arguments, and which role shows which
// global. All of it is made at build time from protocol files and lib/mediate/wl_roles.list (cmake/gen_wayland.cc);
// nothing about a protocol is written by hand. Pure; runs in the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace xc::mediate::wl {

/// Number of an interface in the table.
using InterfaceId = std::uint16_t;
inline constexpr InterfaceId any_interface = 0xfff;

enum class ArgType : std::uint8_t { integer, unsigned_integer, fixed, object, new_id, string, array, descriptor };

/// One argument as the table packs it.
struct ArgSpec {
  std::uint16_t word = 0;
  [[nodiscard]] ArgType type() const { return static_cast<ArgType>(word & 7U); }
  [[nodiscard]] bool nullable() const { return (word & 8U) != 0; }
  /// Of an object or new_id; any_interface when the protocol leaves it open.
  [[nodiscard]] InterfaceId interface() const { return static_cast<InterfaceId>(word >> 4U); }
};

/// Requests whose string a link may rewrite.
enum class Identity : std::uint8_t { none, app_id, title };

struct MessageSpec {
  const char* text;  ///< of the name
  std::span<const std::uint16_t> args;
  std::uint8_t since = 1;
  bool destructor = false;
  Identity identity = Identity::none;
  [[nodiscard]] std::string_view name() const { return text; }  ///< its length is counted only when somebody asks
};

enum class Direction : std::uint8_t { request, event };

/// The table's number of an interface; empty when no protocol file of the build defines it.
[[nodiscard]] std::optional<InterfaceId> find_interface(std::string_view name);
[[nodiscard]] std::string_view name_of(InterfaceId interface);
[[nodiscard]] std::uint32_t version_of(InterfaceId interface);
/// Empty when the interface has no such message in the table.
[[nodiscard]] std::optional<MessageSpec> find_message(InterfaceId interface, Direction direction, std::uint16_t opcode);

/// The message by its name, for what the mediator says itself.
struct Named {
  std::uint16_t opcode;
  MessageSpec spec;
};
[[nodiscard]] std::optional<Named> find_message(InterfaceId interface, Direction direction, std::string_view name);

/// Whether the role (a word of model::wayland_roles) shows globals of this interface.
[[nodiscard]] bool role_shows(std::string_view role, InterfaceId interface);
/// Hidden whatever policy says.
[[nodiscard]] bool is_never_shown(InterfaceId interface);

}  // namespace xc::mediate::wl
