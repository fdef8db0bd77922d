// The words of D-Bus: names, paths and signatures, as the specification writes them ("Valid Names", "Type System").
// Pure; runs in the worker on bytes of both sides. Must never accept what libdbus refuses.
#pragma once

#include <cstddef>
#include <string_view>

namespace xc::mediate::dbus {

/// The bus itself, and the place where it answers.
inline constexpr std::string_view bus_name = "org.freedesktop.DBus";
inline constexpr std::string_view bus_path = "/org/freedesktop/DBus";
inline constexpr std::string_view properties_interface = "org.freedesktop.DBus.Properties";

inline constexpr std::size_t max_name = 255;
inline constexpr std::size_t max_signature = 255;
/// Nesting of arrays, and of structures and dictionary entries, in one signature.
inline constexpr int max_nesting = 32;

/// ":1.42": given by the bus to a connection.
[[nodiscard]] bool is_unique_name(std::string_view text);
/// "org.example.Service": two elements or more, none beginning with a digit.
[[nodiscard]] bool is_well_known_name(std::string_view text);
/// Either of the two.
[[nodiscard]] bool is_bus_name(std::string_view text);
/// Interface and error names: as well-known names, without '-'.
[[nodiscard]] bool is_interface(std::string_view text);
[[nodiscard]] bool is_member(std::string_view text);
[[nodiscard]] bool is_object_path(std::string_view text);
/// Any number of complete types, none included.
[[nodiscard]] bool is_signature(std::string_view text);

/// Length of the complete type at the start of `signature`; 0 when there is none.
[[nodiscard]] std::size_t type_length(std::string_view signature);

/// True when `name` is `base` or lies below it ("org.a.B" is below "org.a", "org.ab" is not).
[[nodiscard]] bool is_within(std::string_view name, std::string_view base, char separator = '.');

}  // namespace xc::mediate::dbus
