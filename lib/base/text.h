// Small questions about text: all pure, all without locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xc::text {

/// `value` as decimal digits.
[[nodiscard]] std::string number(std::uint64_t value);
[[nodiscard]] std::string number(std::int64_t value);
[[nodiscard]] inline std::string number(int value) {
  return number(std::int64_t{value});
}
[[nodiscard]] inline std::string number(unsigned value) {
  return number(std::uint64_t{value});
}

/// The whole of `digits` as a decimal number: no sign, no blanks, no leading zero but "0" itself, no overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view digits);

/// `text` safe for one log line: control bytes, DEL and bytes above 0x7e become \xHH, at most `limit` bytes
/// before an ellipsis (R37).
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 256);

/// printable() between double quotes, for names and paths in sentences.
[[nodiscard]] std::string quoted(std::string_view text, std::size_t limit = 160);

/// Pieces of `text` between occurrences of `separator`; "a,,b" has three pieces, "" has one.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// `pieces` with `separator` between them.
[[nodiscard]] std::string join(const std::vector<std::string>& pieces, std::string_view separator);

/// True when `text` matches `pattern`, where `*` is any run of characters and `?` any single one.
[[nodiscard]] bool glob(std::string_view pattern, std::string_view text);

/// A name of a service, role or container (R20): [A-Za-z0-9_][A-Za-z0-9_.-]{0,limit-1}.
[[nodiscard]] bool is_name(std::string_view text, std::size_t limit = 64);

/// True for valid UTF-8 (no overlong form, no surrogate, nothing above U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace xc::text
