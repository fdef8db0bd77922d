// Hexadecimal digits and %XX escapes (RFC 3986 2.1), as HTTP and D-Bus addresses have them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xc::text {

/// Value of a hexadecimal digit of either case; -1 for any other character.
[[nodiscard]] constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Value of the escape at the start of `text` ("%41"): 0 to 255; -1 when it is none.
[[nodiscard]] constexpr int escape_value(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/// `text` with every escape replaced by its byte, whichever that is; nothing when a '%' does not begin an escape.
[[nodiscard]] std::optional<std::string> unescaped(std::string_view text);

/// Two digits a byte, lower case.
[[nodiscard]] std::string hex(std::string_view bytes);
/// The bytes of such digits; nothing when they are none.
[[nodiscard]] std::optional<std::string> bytes_of_hex(std::string_view digits);

}  // namespace xc::text
