#include "mediate/http_path.h"

#include "base/uri_path.h"
#include "mediate/http_grammar.h"

namespace xc::mediate::http {
namespace {

constexpr Refusal bad_path{400, "the request target is not a path of RFC 3986"};

bool is_query(std::string_view query) {
  for (std::size_t i = 0; i < query.size(); ++i) {
    if (is_query_char(query[i])) continue;
    if (escape_value(query.substr(i)) < 0) return false;
    i += 2;
  }
  return true;
}

std::optional<Refusal> read_origin_form(std::string_view target, Target& result) {
  const std::size_t mark = target.find('?');
  const std::string_view raw = target.substr(0, mark);
  result.query = mark == target.npos ? std::string_view{} : target.substr(mark);
  if (!is_query(result.query)) return bad_path;
  switch (text::normal_path(raw, result.path, result.doubtful)) {
    case text::PathFault::grammar: return bad_path;
    case text::PathFault::climbs: return Refusal{400, "the request target climbs above the root"};
    case text::PathFault::none: break;
  }
  return std::nullopt;
}

bool next_segment(std::string_view& rest, std::string_view& segment) {
  if (rest.empty()) return false;
  rest.remove_prefix(1);
  segment = rest.substr(0, rest.find('/'));
  rest.remove_prefix(segment.size());
  return true;
}

}  // namespace

std::optional<Refusal> read_target(std::string_view method, std::string_view target,
                                   std::optional<std::string_view> host, Target& result) {
  constexpr std::string_view scheme = "http://";
  result = {};
  if (method == "CONNECT" || method == "TRACE") return Refusal{501, "CONNECT and TRACE are not spoken here"};
  if (target.starts_with('/')) return read_origin_form(target, result);
  if (target == "*" && method == "OPTIONS") {
    result.path = "*";
    return std::nullopt;
  }
  if (target.size() < scheme.size() || !is_word(target.substr(0, scheme.size()), scheme)) return bad_path;
  target.remove_prefix(scheme.size());
  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  const std::string_view authority = target.substr(0, end);
  if (authority.empty() || !is_host(authority) || (host && !is_same_word(authority, *host)))
    return Refusal{400, "the request target names another authority than Host"};
  if (end < target.size() && target[end] == '/') return read_origin_form(target.substr(end), result);
  const bool whole = method == "OPTIONS" && end == target.size();  // RFC 9112 3.2.4
  result.path = whole ? "*" : "/";
  result.query = target.substr(end);
  if (!is_query(result.query)) return bad_path;
  return std::nullopt;
}

bool matches_path(std::string_view pattern, std::string_view path) {
  if (path == "*" || pattern == "*") return pattern == "**" || pattern == "/**" || pattern == path;
  if (pattern == "**") pattern = "/**";
  if (!pattern.starts_with('/') || !path.starts_with('/')) return false;
  std::optional<std::string_view> retry_pattern;  // what follows the last "**", and where it was tried last: one point
  std::string_view retry_path;                    // of return suffices, so the time is at most quadratic
  for (;;) {
    std::string_view pattern_rest = pattern;
    std::string_view path_rest = path;
    std::string_view wanted;
    std::string_view found;
    if (next_segment(pattern_rest, wanted) && wanted == "**") {
      if (pattern_rest.empty()) return true;
      retry_pattern = pattern = pattern_rest;
      retry_path = path;
      continue;
    }
    const bool more_pattern = !pattern.empty();
    const bool more_path = next_segment(path_rest, found);
    if (!more_pattern && !more_path) return true;
    if (more_pattern && more_path && (wanted == found || (wanted == "*" && !found.empty()))) {
      pattern = pattern_rest;
      path = path_rest;
      continue;
    }
    if (!retry_pattern || !next_segment(retry_path, found)) return false;
    pattern = *retry_pattern;
    path = retry_path;
  }
}

}  // namespace xc::mediate::http
