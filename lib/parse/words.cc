#include "parse/words.h"

#include <algorithm>

#include "base/text.h"

namespace xc::parse {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view digits = "0123456789";

bool is_letter(char c) {
  return letters.find(c) != std::string_view::npos;
}
bool is_digit(char c) {
  return digits.find(c) != std::string_view::npos;
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c) || c == '_';
}

/// True when every character of `text` is one of a name's or of `more`.
bool made_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) { return is_word(c) || more.find(c) != std::string_view::npos; });
}

bool is_bus_element(std::string_view element) {
  return !element.empty() && !is_digit(element.front()) && made_of(element, "-");
}

}  // namespace

bool is_plain(std::string_view text) {
  if (text.empty() || !text::is_utf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // U+0080..U+009F: control characters of two bytes; some terminals obey them.
    if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
  }
  return true;
}

bool is_provider(std::string_view text) {
  return text == "@host" || text::is_name(text);
}

bool is_pattern(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  if (text.front() == '@') text.remove_prefix(1);
  return made_of(text, ".-*?");
}

bool is_role(std::string_view text) {
  constexpr std::string_view lease = "lease:";
  return text::is_name(text.starts_with(lease) ? text.substr(lease.size()) : text);
}

bool is_role_pattern(std::string_view text) {
  return !text.empty() && text.size() <= 70 && made_of(text, ".-*?:");
}

bool is_variable(std::string_view text) {
  if (text.empty() || text.size() > 64 || is_digit(text.front()) || !made_of(text, "")) return false;
  return !text.starts_with("LD_") && text != "GCONV_PATH" && text != "GLIBC_TUNABLES" && text != "PATH";
}

bool is_bus_name(std::string_view text) {
  return text.size() <= 255 && text.find('.') != std::string_view::npos &&
         std::ranges::all_of(text::split(text, '.'), is_bus_element);
}

bool is_bus_pattern(std::string_view text) {
  if (!text.ends_with(".*")) return is_bus_name(text);
  text.remove_suffix(2);
  return text.size() <= 253 && std::ranges::all_of(text::split(text, '.'), is_bus_element);
}

bool is_interface(std::string_view text) {
  return is_bus_name(text) && text.find('-') == std::string_view::npos;
}

bool is_member_pattern(std::string_view text) {
  if (text == "*") return true;
  if (text.ends_with('*')) text.remove_suffix(1);
  return !text.empty() && text.size() <= 255 && !is_digit(text.front()) && made_of(text, "");
}

bool is_object_pattern(std::string_view text) {
  if (text == "/" || text == "/*") return true;
  if (text.ends_with("/*")) text.remove_suffix(2);
  return text.size() <= 4095 && text.starts_with('/') &&
         std::ranges::all_of(text::split(text.substr(1), '/'),
                             [](std::string_view element) { return !element.empty() && made_of(element, ""); });
}

bool is_bus_rule(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || !is_bus_pattern(text.substr(0, equals))) return false;
  std::string_view method = text.substr(equals + 1);
  if (const auto at = method.find('@'); at != std::string_view::npos) {
    const std::string_view path = method.substr(at + 1);
    if (!is_object_pattern(path)) return false;
    method = method.substr(0, at);
  }
  if (method.empty() || method == "*") return true;
  const auto dot = method.rfind('.');
  return dot != std::string_view::npos && is_interface(method.substr(0, dot)) &&
         is_member_pattern(method.substr(dot + 1));
}

bool is_method(std::string_view text) {
  if (text == "*") return true;
  return !text.empty() && text.size() <= 32 && text.find_first_of("abcdefghijklmnopqrstuvwxyz") == text.npos &&
         is_letter(text.front()) && made_of(text, "-");
}

bool is_path_pattern(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '?' && c != '#'; });
}

}  // namespace xc::parse
