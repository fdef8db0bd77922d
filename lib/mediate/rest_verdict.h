// Whether a request may be made on a link, the same for every version of HTTP. Pure; runs in the worker.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mediate/http_head.h"
#include "mediate/http_path.h"
#include "mediate/mediator.h"

namespace xc::mediate {

/// Why it may not: the answer's status and sentence, and what would have been allowed (empty = no rule refused it).
struct Verdict {
  unsigned status = 403;
  std::string error;
  std::string rule{};
};

/// The two values of the identity can be written into fields. Names are checked long before (R20); a failing check is a
/// refusal.
[[nodiscard]] bool has_identity(const Terms& terms);

/// Nothing when the request may go to the provider. `length`: of its body, as far as it is known.
[[nodiscard]] std::optional<Verdict> judge_request(const Terms& terms, std::string_view method,
                                                   const http::Target& target, std::uint64_t length);

/// Nothing when the link has no token, or the one Authorization field says "Bearer TOKEN" (RFC 6750, 2.1). It is the
/// link's alone: no field of that name passes then.
[[nodiscard]] std::optional<Verdict> judge_token(const Terms& terms, http::Fields& fields);

}  // namespace xc::mediate
