// A plan for reading: text for a person, JSON for a program. Pure. Must never print the container's environment, which
// may hold secrets, nor in text a byte that is not printable ASCII (R37).
#pragma once

#include <string>

#include "model/plan.h"
#include "model/rights.h"

namespace xc::plan {

/// Several lines: the container, its links with their rights, its offers, the steps, the notes; warnings marked.
[[nodiscard]] std::string describe(const model::Plan& plan);

/// What a link may do on a bus, as one phrase: what each document says. `rights` are grant::narrow()'s, in its order.
[[nodiscard]] std::string describe_bus(const model::Rights& rights);

/// One line of JSON, without newline: container (engine, name, pid, bundle, root), links, offers, offers-origin, steps
/// (kind, and the index of the link where there is one), notes. Members as in the model's fields().
[[nodiscard]] std::string describe_json(const model::Plan& plan);

}  // namespace xc::plan
