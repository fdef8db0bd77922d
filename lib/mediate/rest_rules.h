// What a role may do with a REST service: methods, paths and upgrades of one set of rules. Runs in the worker.
// Everything no rule allows is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mediate/http_path.h"
#include "model/rights.h"
#include "model/service.h"

namespace xc::mediate {

/// True when `rules` restrict methods and paths at all; then paths that servers read differently are refused, and
/// fields that ask for another method or path are dropped.
[[nodiscard]] bool restricts(const model::RestRules& rules);

/// Whether these rules allow the method (case-sensitive, HEAD is not GET) on the target. A doubtful path matches no
/// rule.
[[nodiscard]] bool allows_request(const model::RestRules& rules, std::string_view method, const http::Target& target);

/// The rules in one line, for the person who was refused: "GET,HEAD /v1/** | POST /v1/jobs", cut to a sensible length.
[[nodiscard]] std::string describe(const model::RestRules& rules);

// The same questions asked of all documents that have a say (model/rights.h).

[[nodiscard]] bool restricts(const model::Rights& rights);
[[nodiscard]] bool allows_request(const model::Rights& rights, std::string_view method, const http::Target& target);
/// Whether a request that is allowed may also switch protocols: off unless the alternative that allows it says so.
[[nodiscard]] bool allows_upgrade(const model::Rights& rights, std::string_view method, const http::Target& target);
/// The most bytes the body of an allowed request may have: the least of what the documents say, and in each the most of
/// its alternatives that allow the request; the largest number when none says anything.
[[nodiscard]] std::uint64_t body_limit(const model::Rights& rights, std::string_view method,
                                       const http::Target& target);
/// How long a response may take to begin: the least of what the documents say (0 = for ever); empty = none says it.
[[nodiscard]] std::optional<std::chrono::seconds> response_wait(const model::Rights& rights);
/// A document says that the service speaks HTTP/2.
[[nodiscard]] bool speaks_h2c(const model::Rights& rights);
/// What the first document that refuses the request would have allowed.
[[nodiscard]] std::string describe_refusal(const model::Rights& rights, std::string_view method,
                                           const http::Target& target);

}  // namespace xc::mediate
