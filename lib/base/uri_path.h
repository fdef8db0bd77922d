// The path of a URI in its one normal form (RFC 3986 section 6.2.2): what rules about requests are judged by, and what
// a rule must be written in. Runs in the worker, over hostile bytes, and where rules are read. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xc::text {

namespace detail {

/// A set of ASCII characters as two numbers, which stand in the code: a table would be one more page of every worker.
struct CharSet {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  [[nodiscard]] constexpr bool has(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 128 && ((byte < 64 ? low : high) >> (byte & 63U) & 1U) != 0;
  }
};

consteval CharSet set_of(std::string_view chars) {
  CharSet set;
  for (const char c : chars) {
    const auto byte = static_cast<unsigned char>(c);
    (byte < 64 ? set.low : set.high) |= std::uint64_t{1} << (byte & 63U);
  }
  return set;
}

inline constexpr CharSet plain_chars = set_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~");
inline constexpr CharSet path_marks = set_of("!$&'()*+,;=:@/");

}  // namespace detail

/// RFC 3986 unreserved: the same with and without percent-encoding.
[[nodiscard]] constexpr bool is_plain_char(char c) {
  return detail::plain_chars.has(c);
}
/// RFC 3986 pchar and "/", without "%".
[[nodiscard]] constexpr bool is_path_char(char c) {
  return detail::plain_chars.has(c) || detail::path_marks.has(c);
}

enum class PathFault : std::uint8_t {
  none,
  grammar,  ///< it is no path: a character outside the grammar, "%" without two digits, %00
  climbs,   ///< ".." leads above the root
};

/// Brings `raw`, which begins with "/", into normal form: escapes of unreserved characters decoded, other escapes in
/// capitals, "." and ".." resolved, runs of "/" made one. `doubtful` becomes true for what one server reads in another
/// way than the next: an encoded "/", "\" or "%", an encoded control character, overlong UTF-8, or ";". No rule can
/// judge such a path.
[[nodiscard]] PathFault normal_path(std::string_view raw, std::string& path, bool& doubtful);

}  // namespace xc::text
