// Carries a plan out: the steps in order, undone backwards when one fails. Runs in the hook. Decides nothing: what to
// do is in the plan, what became of an optional link is in the outcome.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "inject/container.h"
#include "model/plan.h"
#include "registry/records.h"
#include "registry/state_dir.h"
#include "sys/child.h"

namespace xc::inject {

/// Starts whatever serves the links of this record; called for the step `launch`. Its answer is called when every step
/// has succeeded. `listeners` are those of the links that are sockets, in order. `directories` are those that
/// record.planted lies in, in the same order. The injector knows no more of shims than this.
using Commit = std::function<Result<>()>;
using Launch = std::function<Result<Commit>(const registry::Record&, const std::vector<Fd>& listeners,
                                            const std::vector<Fd>& directories)>;

/// What is needed to carry out plans; outlives the injector.
struct Tools {
  const sys::Proc& proc;
  const registry::StateDir& state;
  const HeldContainer& container;
  Launch launch;
  sys::Deadline deadline;
};

struct Applied {
  bool already = false;               ///< another call of the hook had done it; nothing was done now
  std::vector<std::string> warnings;  ///< optional links that could not be made, and why
  std::vector<model::Link> links;     ///< those that were made, as they have become
};

/// Applies `plan`. On an error everything that was done is undone, and nothing of it is left.
[[nodiscard]] Result<Applied> apply(const Tools& tools, const model::Plan& plan);

/// Applies a plan of links to a container that is served already: `held` is its entry, and what it has stays. The
/// launch gets the whole record, but the new listeners and directories alone. On an error the record, and the
/// container, are as they were.
[[nodiscard]] Result<Applied> extend(const Tools& tools, const model::Plan& plan, registry::Reentered held);

/// Takes the link at index `link` of the record away again: from the container, then from the record. On an error
/// nothing has changed but what the error says.
[[nodiscard]] Result<> retract(const Tools& tools, registry::Reentered& held, std::size_t link);

}  // namespace xc::inject
