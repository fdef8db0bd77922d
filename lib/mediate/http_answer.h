// Answers of our own: complete HTTP/1.1 responses with a JSON body. Runs in the worker. Must never echo a byte of a
// peer that is not JSON-escaped, nor name anything of the host (R40).
#pragma once

#include <string>
#include <string_view>

namespace xc::mediate::http {

struct Answer {
  unsigned status = 500;
  std::string_view error;    ///< a sentence
  std::string_view service;  ///< the link's
  std::string_view role;     ///< the link's
  std::string_view rule;     ///< what refused, in the words of the role rules; empty = no rule did
};

/// `{"error":..., "service":..., "role":..., "rule":...}` and a newline.
[[nodiscard]] std::string answer_body(const Answer& answer);

/// The whole response with that body. `close`: says that the connection ends.
/// `head_only`: for HEAD, the body announced and left out.
[[nodiscard]] std::string make_answer(const Answer& answer, bool close, bool head_only);

/// Reason phrase of a status we answer with (RFC 9110 section 15).
[[nodiscard]] std::string_view reason_of(unsigned status);

}  // namespace xc::mediate::http
