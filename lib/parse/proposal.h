// config.json as an engine proposes it. Runs in the reader's child, which says only where something can be added: the
// document itself never comes back from there, so nobody can change what the engine wrote.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/proposal.h"

namespace xc::parse {

/// What a precreate hook must know of the document (runtime-spec, config.json).
[[nodiscard]] Result<model::Proposal> parse_proposal(std::string_view text, std::string_view file);

}  // namespace xc::parse
