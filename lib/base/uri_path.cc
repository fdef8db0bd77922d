#include "base/uri_path.h"

#include <algorithm>
#include <utility>

#include "base/escape.h"

namespace xc::text {
namespace {

/// Adds one escape in normal form. "%25" counts as doubtful since it could be decoded once more into an escape.
bool add_escape(std::string_view text, std::string& path, bool& doubtful) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const int value = escape_value(text);
  if (value <= 0) return false;
  const auto byte = static_cast<unsigned>(value);
  const char c = static_cast<char>(byte);
  if (is_plain_char(c)) {
    path += c;
    return true;
  }
  doubtful = doubtful || byte < 0x20 || byte == 0x7f || c == '/' || c == '\\' || c == '%' || c == ';';
  path += '%';
  path += digits[byte >> 4U];
  path += digits[byte & 15U];
  return true;
}

bool decode(std::string_view raw, std::string& path, bool& doubtful) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%') {
      if (!add_escape(raw.substr(i), path, doubtful)) return false;
      i += 2;
    } else if (is_path_char(raw[i])) {
      doubtful = doubtful || raw[i] == ';';
      path += raw[i];
    } else {
      return false;
    }
  }
  return true;
}

/// Whether escaped bytes are a character written longer than need be, which UTF-8 forbids (RFC 3629 3) and old decoders
/// take for "." or "/".
bool has_overlong(std::string_view path) {
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 3)) {
    if (at + 5 >= path.size() || path[at + 3] != '%') continue;
    const std::string_view first = path.substr(at + 1, 2);
    const int next = hex_value(path[at + 4]);
    if ((first == "C0" || first == "C1") && next >= 8 && next < 12) return true;
    if (first == "E0" && (next == 8 || next == 9)) return true;
    if ((first == "F0" || first == "F8" || first == "FC") && next == 8) return true;
  }
  return false;
}

/// RFC 3986 5.2.4, in place, and runs of "/" made one. False when ".." climbs above the root.
bool resolve_dots(std::string& path) {
  std::string out;
  std::string_view rest = path;
  bool directory = true;  // the last thing seen stands for a directory: the result ends with "/"
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the "/" before the segment
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    directory = segment.empty() || segment == "." || segment == "..";
    if (segment == "..") {
      if (out.empty()) return false;
      out.resize(out.rfind('/'));
    } else if (!directory) {
      out += '/';
      out += segment;
    }
  }
  if (directory) out += '/';
  path = std::move(out);
  return true;
}

bool is_normal(std::string_view raw) {
  return raw.find("//") == raw.npos && raw.find("/.") == raw.npos &&
         std::ranges::all_of(raw, [](char c) { return is_path_char(c) && c != ';'; });
}

}  // namespace

PathFault normal_path(std::string_view raw, std::string& path, bool& doubtful) {
  if (is_normal(raw)) {
    path = raw;
    return PathFault::none;
  }
  path.clear();
  if (!decode(raw, path, doubtful)) return PathFault::grammar;
  doubtful = doubtful || has_overlong(path);
  return resolve_dots(path) ? PathFault::none : PathFault::climbs;
}

}  // namespace xc::text
