#include "base/json_out.h"

namespace xc {
namespace {

void append_escaped(std::string& out, char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (byte < 0x20 || byte == 0x7f) {
    out += "\\u00";
    out += hex[byte >> 4U];
    out += hex[byte & 15U];
  } else {
    out += c;
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  const bool readable = text::is_utf8(text);
  std::string out = "\"";
  for (const char c : text) {
    if (!readable && static_cast<unsigned char>(c) >= 0x80)
      out += "\xef\xbf\xbd";
    else
      append_escaped(out, c);
  }
  return out + "\"";
}

}  // namespace xc
