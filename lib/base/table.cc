#include "base/table.h"

#include <algorithm>

namespace xc::text {

std::string table(const std::vector<Row>& rows, std::size_t indent) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

namespace {

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  return longest;
}

}  // namespace

std::string table_within(std::vector<Row> rows, std::size_t width, const std::vector<std::size_t>& dispensable) {
  std::string whole = table(rows);
  std::vector<std::size_t> gone;
  for (const std::size_t column : dispensable) {
    if (longest_line(whole) <= width) break;
    const auto before = static_cast<std::size_t>(std::ranges::count_if(gone, [&](auto one) { return one < column; }));
    for (Row& row : rows)
      if (column - before < row.size()) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column - before));
    gone.push_back(column);
    whole = table(rows);
  }
  return whole;
}

std::string folded(const std::string& text, std::size_t width, std::size_t indent) {
  if (width <= indent) return text;
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at + 1), text.size());
    if (column + (end - at) > width && text[at] == ' ' && column > indent) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      ++at;
    }
    out += text.substr(at, end - at);
    column += end - at;
    at = end;
  }
  return out;
}

}  // namespace xc::text
