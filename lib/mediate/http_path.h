// The target of a request: taken apart, brought into one normal form, and matched with the patterns of a role
// (RFC 9112 section 3.2, RFC 3986 section 6.2.2). Runs in the worker. What is judged is what is forwarded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mediate/http_head.h"

namespace xc::mediate::http {

struct Target {
  std::string path;        ///< normal form; "*" for OPTIONS of the whole server
  std::string_view query;  ///< "?..." as it came, or empty
  /// Something in the path that one server reads in another way than the next: an encoded "/", "\" or "%", an encoded
  /// control character, or ";". No rule can judge such a path.
  bool doubtful = false;
};

/// Splits and normalises (base/uri_path.h). Refused: anything outside the grammar, %00, a ".." above the root,
/// CONNECT's and absolute forms that name another authority than `host`.
[[nodiscard]] std::optional<Refusal> read_target(std::string_view method, std::string_view target,
                                                 std::optional<std::string_view> host, Target& result);

/// True when the normalised `path` matches `pattern`: `*` is one segment that is not empty, `**` any number of segments
/// (none too), every other segment itself. "/v1/**" matches "/v1", "/v1/" and all below.
[[nodiscard]] bool matches_path(std::string_view pattern, std::string_view path);

}  // namespace xc::mediate::http
