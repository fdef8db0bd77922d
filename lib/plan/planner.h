// Facts in, plan out: the whole list of what will be done to a container, or the one reason why nothing will be (R13).
// Pure: runs in the hook before anything is touched, in `xc-inject plan` without root, and in tests.
// Must never look at the host: what it knows of it is HostFacts.
#pragma once

#include "base/result.h"
#include "model/container.h"
#include "model/manifest.h"
#include "model/plan.h"
#include "model/policy.h"

namespace xc::plan {

/// The plan for one container: its links, its own offers (`exports`, written by `exports_origin`) and the steps.
///
/// An error names the manifest and the position of the requirement. Kind::manifest: a document is wrong, and that is an
/// error for an optional service, too. Kind::policy (host policy or the provider refuses) and Kind::plant (cannot be
/// planted) are errors for a required service; an optional one becomes a warning in `notes`, and no link.
/// A provider that is merely not up yet is never an error (spec 4). A container that neither wants nor offers anything
/// has no steps.
[[nodiscard]] Result<model::Plan> make_plan(const model::Container& container, const model::Manifest& manifest,
                                            const model::Exports& exports, model::Origin exports_origin,
                                            const model::Policy& policy, const model::HostFacts& facts);

}  // namespace xc::plan
