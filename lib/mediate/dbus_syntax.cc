// Words of D-Bus; see the header. Pure, runs in the worker.
#include "mediate/dbus_syntax.h"

#include <algorithm>

namespace xc::mediate::dbus {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

struct Elements {
  bool hyphen = false;  // allowed in elements
  bool digit = false;   // allowed as the first character of an element
};

/// Two or more elements between dots, each of one character or more.
bool is_dotted(std::string_view text, Elements allowed) {
  std::size_t elements = 0;
  for (std::size_t at = 0; at <= text.size(); ++elements) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    const std::string_view element = text.substr(at, end - at);
    if (element.empty() || (!allowed.digit && is_digit(element.front()))) return false;
    if (!std::ranges::all_of(element, [&](char c) { return is_word(c) || (allowed.hyphen && c == '-'); })) return false;
    at = end + 1;
  }
  return elements >= 2;
}

std::size_t complete_type(std::string_view signature, int arrays, int structures);

std::size_t dictionary_entry(std::string_view signature, int arrays, int structures) {
  constexpr std::string_view basic = "ybnqiuxtdsogh";
  if (structures > max_nesting || signature.size() < 2 || basic.find(signature[1]) == std::string_view::npos) return 0;
  const std::size_t value = complete_type(signature.substr(2), arrays, structures);
  if (value == 0 || 2 + value >= signature.size() || signature[2 + value] != '}') return 0;
  return value + 3;
}

std::size_t structure(std::string_view signature, int arrays, int structures) {
  if (structures > max_nesting) return 0;
  std::size_t at = 1;
  while (at < signature.size() && signature[at] != ')') {
    const std::size_t member = complete_type(signature.substr(at), arrays, structures);
    if (member == 0) return 0;
    at += member;
  }
  return at > 1 && at < signature.size() ? at + 1 : 0;
}

std::size_t complete_type(std::string_view signature, int arrays, int structures) {
  constexpr std::string_view single = "ybnqiuxtdsoghv";
  if (signature.empty()) return 0;
  if (single.find(signature.front()) != std::string_view::npos) return 1;
  if (signature.front() == '(') return structure(signature, arrays, structures + 1);
  if (signature.front() != 'a' || arrays >= max_nesting || signature.size() < 2) return 0;
  const std::string_view rest = signature.substr(1);
  const std::size_t element = rest.front() == '{' ? dictionary_entry(rest, arrays + 1, structures + 1)
                                                  : complete_type(rest, arrays + 1, structures);
  return element == 0 ? 0 : element + 1;
}

}  // namespace

bool is_unique_name(std::string_view text) {
  return text.size() <= max_name && text.starts_with(':') && is_dotted(text.substr(1), {.hyphen = true, .digit = true});
}

bool is_well_known_name(std::string_view text) {
  return text.size() <= max_name && is_dotted(text, {.hyphen = true});
}

bool is_bus_name(std::string_view text) {
  return is_unique_name(text) || is_well_known_name(text);
}

bool is_interface(std::string_view text) {
  return text.size() <= max_name && is_dotted(text, {});
}

bool is_member(std::string_view text) {
  return !text.empty() && text.size() <= max_name && !is_digit(text.front()) && std::ranges::all_of(text, is_word);
}

bool is_object_path(std::string_view text) {
  if (!text.starts_with('/')) return false;
  if (text.size() == 1) return true;
  char before = '/';
  for (const char c : text.substr(1)) {
    if (c == '/' ? before == '/' : !is_word(c)) return false;
    before = c;
  }
  return before != '/';
}

bool is_signature(std::string_view text) {
  if (text.size() > max_signature) return false;
  while (!text.empty()) {
    const std::size_t length = type_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::size_t type_length(std::string_view signature) {
  return complete_type(signature, 0, 0);
}

bool is_within(std::string_view name, std::string_view base, char separator) {
  if (!name.starts_with(base)) return false;
  return name.size() == base.size() || name[base.size()] == separator;
}

}  // namespace xc::mediate::dbus
