// What the words in our documents may look like; pure questions. The parsers ask them with a position at hand, and
// validate.h asks them again about structs that came from another process.
#pragma once

#include <string_view>

namespace xc::parse {

/// Not empty, UTF-8, and no control character (C0, DEL, C1): fit for a path or a name that others will print.
[[nodiscard]] bool is_plain(std::string_view text);

/// A provider a consumer may insist on: a container's name (R20), or "@host" for the host itself.
[[nodiscard]] bool is_provider(std::string_view text);

/// A pattern of names for text::glob: the characters of a name, '*', '?', and '@' in front; at most 64.
[[nodiscard]] bool is_pattern(std::string_view text);

/// A role: a name, or "lease:" and the name of a connector.
[[nodiscard]] bool is_role(std::string_view text);

/// A pattern of roles: the characters of a role, '*' and '?'.
[[nodiscard]] bool is_role_pattern(std::string_view text);

/// A variable that a link may set: [A-Za-z_][A-Za-z0-9_]{0,63}, and none that changes how programs are loaded.
[[nodiscard]] bool is_variable(std::string_view text);

/// A well-known bus name (D-Bus specification, "Bus names"): two or more elements, at most 255 bytes.
[[nodiscard]] bool is_bus_name(std::string_view text);

/// A bus name, or one with ".*" behind it for the names below it (xdg-dbus-proxy's words).
[[nodiscard]] bool is_bus_pattern(std::string_view text);

/// An interface name: a bus name without '-'.
[[nodiscard]] bool is_interface(std::string_view text);

/// The name of a method or signal, or with '*' behind it the beginning of one.
[[nodiscard]] bool is_member_pattern(std::string_view text);

/// An object path, or one with "/*" behind it for that object and those below it.
[[nodiscard]] bool is_object_pattern(std::string_view text);

/// "<bus pattern>=[METHOD][@PATH]": METHOD is '*', "<interface>.<member pattern>" or nothing, PATH an object pattern.
[[nodiscard]] bool is_bus_rule(std::string_view text);

/// An HTTP method in capitals, or "*" for any.
[[nodiscard]] bool is_method(std::string_view text);

/// A pattern of normalised HTTP paths: begins with '/', visible ASCII without '?' and '#'.
[[nodiscard]] bool is_path_pattern(std::string_view text);

}  // namespace xc::parse
