#include "parse/lxc_config.h"

#include "base/text.h"

namespace xc::parse {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

std::vector<LxcSetting> split_lxc_config(std::string_view text) {
  std::vector<LxcSetting> settings;
  unsigned number = 0;
  for (const std::string_view line : text::split(text, '\n')) {
    ++number;
    const std::string_view bare = trimmed(line);
    const auto sign = bare.find('=');
    if (bare.starts_with('#') || sign == std::string_view::npos) continue;
    settings.push_back(
        {number, std::string(trimmed(bare.substr(0, sign))), std::string(trimmed(bare.substr(sign + 1)))});
  }
  return settings;
}

}  // namespace xc::parse
