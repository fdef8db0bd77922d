// See proc_status.h.
#include "sys/proc_status.h"

#include <charconv>
#include <system_error>

#include "base/text.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t status_limit = 65536;

}  // namespace

Result<std::string> read_status(int directory, const std::string& name) {
  return read_file(directory, name, status_limit);
}

std::optional<std::string_view> status_value(std::string_view status, std::string_view key) {
  for (const auto line : text::split(status, '\n'))
    if (line.starts_with(key) && line.substr(key.size()).starts_with(":\t")) return line.substr(key.size() + 2);
  return std::nullopt;
}

std::optional<std::uint64_t> status_number(std::string_view status, std::string_view key) {
  const auto value = status_value(status, key);
  return value ? text::parse_number(text::split(*value, '\t').front()) : std::nullopt;
}

std::optional<std::uint64_t> status_mask(std::string_view status, std::string_view key) {
  const auto digits = status_value(status, key);
  if (!digits) return std::nullopt;
  std::uint64_t mask = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), mask, 16);
  const bool whole = error == std::errc{} && end == digits->data() + digits->size();
  return whole ? std::optional(mask) : std::nullopt;
}

}  // namespace xc::sys
