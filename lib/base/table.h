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

}  // namespace xc::text
