// The rules of words.h and the limits of R16, asked once more about structs that came from another process (R17: the
// process that parses hostile text may have been taken over by it). Runs in the hook.
#pragma once

#include "base/result.h"
#include "model/container.h"
#include "model/event.h"
#include "model/graph.h"
#include "model/hooks.h"
#include "model/manifest.h"
#include "model/policy.h"
#include "model/position.h"
#include "model/proposal.h"
#include "model/revision.h"

namespace xc::parse {

/// Nothing when the parser could have made `value`; otherwise Kind::manifest, with a text that repeats none of it.
[[nodiscard]] Result<> validate(const model::OciState& value);
[[nodiscard]] Result<> validate(const model::OciConfig& value);
/// The gaps are only checked for one thing by whoever uses them: that a "]" stands there.
[[nodiscard]] Result<> validate(const model::Proposal& value);
[[nodiscard]] Result<> validate(const model::Label& value);
[[nodiscard]] Result<> validate(const model::Manifest& value);
[[nodiscard]] Result<> validate(const model::Exports& value);
[[nodiscard]] Result<> validate(const model::Policy& value);
[[nodiscard]] Result<> validate(const model::HooksFile& value);
[[nodiscard]] Result<> validate(const model::OciHooks& value);
[[nodiscard]] Result<> validate(const model::Graph& value);
[[nodiscard]] Result<> validate(const model::Position& value);
[[nodiscard]] Result<> validate(const model::Rendered& value);
/// Its texts may be anything: whoever prints them makes them printable.
[[nodiscard]] Result<> validate(const model::Event& value);
[[nodiscard]] Result<> validate(const model::Revision& value);
[[nodiscard]] Result<> validate(const model::RoleUids& value);

}  // namespace xc::parse
