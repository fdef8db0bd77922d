// Character classes and small words of HTTP/1.1 (RFC 9110 section 5, RFC 9112, RFC 3986). Runs in the worker, over
// hostile bytes; must never accept more than the grammar says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/escape.h"
#include "base/uri_path.h"

namespace xc::mediate::http {

using text::escape_value;
using text::hex_value;
using text::is_path_char;
using text::is_plain_char;

namespace detail {

enum Class : std::uint8_t {
  token_char = 1,  // RFC 9110 5.6.2 tchar
  value_char = 2,  // RFC 9110 5.5 field-vchar, SP, HTAB (obs-text included)
  query_char = 4,  // RFC 3986 query without "%", and what browsers leave raw there: [ ] { } | ^ `
};

constexpr bool is_alnum(unsigned c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::uint8_t class_of(unsigned c) {
  constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view query_marks = "-._~!$&'()*+,;=:@/?[]{}|^`";
  const auto in = [c](std::string_view marks) { return c < 0x80 && marks.find(static_cast<char>(c)) != marks.npos; };
  const bool alnum = is_alnum(c);
  unsigned bits = 0;
  if (alnum || in(token_marks)) bits |= token_char;
  if ((c >= 0x20 && c != 0x7f) || c == '\t') bits |= value_char;
  if (alnum || in(query_marks)) bits |= query_char;
  return static_cast<std::uint8_t>(bits);
}

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) classes[c] = class_of(c);
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

constexpr bool is(char c, Class wanted) {
  return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

}  // namespace detail

[[nodiscard]] constexpr bool is_token_char(char c) {
  return detail::is(c, detail::token_char);
}
[[nodiscard]] constexpr bool is_value_char(char c) {
  return detail::is(c, detail::value_char);
}
[[nodiscard]] constexpr bool is_query_char(char c) {
  return detail::is(c, detail::query_char);
}
[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// RFC 9110 5.6.2: one or more tchar.
[[nodiscard]] bool is_token(std::string_view text);
/// RFC 9110 5.5: what may stand in a field value; the empty value too. No control character but HTAB.
[[nodiscard]] bool is_field_value(std::string_view text);
/// `text` is an authority we would name a server by (RFC 3986 host, RFC 9110 7.2): a name of unreserved and
/// percent-encoded characters or a bracketed address, perhaps a port. Narrower than the RFC: no sub-delims, because a
/// comma makes two of one for somebody. Empty is valid.
[[nodiscard]] bool is_host(std::string_view text);
/// True when `text` equals `small` (lower case) but for the case of ASCII letters.
[[nodiscard]] bool is_word(std::string_view text, std::string_view small);
/// True when the two are equal but for the case of ASCII letters.
[[nodiscard]] bool is_same_word(std::string_view a, std::string_view b);
/// `text` without blanks (SP, HTAB) at its ends.
[[nodiscard]] std::string_view trim(std::string_view text);

/// Takes the next element off a comma-separated list (RFC 9110 5.6.1), trimmed, empty ones skipped; nothing at its end.
/// Quoted strings are not understood: only for lists of tokens.
[[nodiscard]] std::optional<std::string_view> next_element(std::string_view& list);

}  // namespace xc::mediate::http
