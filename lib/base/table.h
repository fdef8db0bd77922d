// Rows for a person's eyes. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace xc::text {

using Row = std::vector<std::string>;

/// Rows below each other, columns aligned, two blanks between them, every line indented by `indent` and without blanks
/// at its end. Rows may have different numbers of cells.
[[nodiscard]] std::string table(const std::vector<Row>& rows, std::size_t indent = 0);

/// The same in lines of at most `width`, as far as that can be had without the columns `dispensable`: the first of them
/// goes first.
[[nodiscard]] std::string table_within(std::vector<Row> rows, std::size_t width,
                                       const std::vector<std::size_t>& dispensable);

/// `text` with ends of lines instead of blanks where a line would be longer than `width`; those that follow are
/// indented by `indent`. A word that is longer stays whole.
[[nodiscard]] std::string folded(const std::string& text, std::size_t width, std::size_t indent);

/// No bound, of those above.
inline constexpr std::size_t any_width = static_cast<std::size_t>(-1);

}  // namespace xc::text
