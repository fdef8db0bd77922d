#include "mediate/http_grammar.h"

#include <algorithm>

namespace xc::mediate::http {
namespace {

bool is_address(std::string_view text) {  // between brackets: IPv6, without zone or future forms
  return !text.empty() && std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; });
}

bool is_name(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain_char(text[i])) continue;
    if (escape_value(text.substr(i)) < 0) return false;
    i += 2;
  }
  return true;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, is_value_char);
}

bool is_host(std::string_view text) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && end == text.npos) return false;
  const std::string_view host = text.substr(0, end);
  std::string_view port = end == text.npos ? std::string_view{} : text.substr(end + (bracketed ? 1 : 0));
  if (!port.empty() && !port.starts_with(':')) return false;
  if (!port.empty()) port.remove_prefix(1);
  if (port.size() > 5 || !std::ranges::all_of(port, is_digit)) return false;
  return bracketed ? is_address(host.substr(1)) : is_name(host);
}

bool is_word(std::string_view text, std::string_view small) {
  return text.size() == small.size() &&
         std::equal(text.begin(), text.end(), small.begin(), [](char a, char b) { return lower(a) == b; });
}

bool is_same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::string_view> next_element(std::string_view& list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    list = comma == list.npos ? std::string_view{} : list.substr(comma + 1);
    if (!element.empty()) return element;
  }
  return std::nullopt;
}

}  // namespace xc::mediate::http
