// What the host says of the device nodes that offers name: the file in the provider's root, the kernel's own words for
// its number in sysfs. Runs in the hook and in xc-inject; decides nothing (plan/devices does).
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/device.h"
#include "model/manifest.h"
#include "model/plan.h"
#include "registry/record.h"
#include "sys/child.h"
#include "sys/proc.h"

namespace xc::inject {

/// A device offer, and the record of the container that makes it (null: the host).
struct Offering {
  const model::Offered* offered = nullptr;
  const registry::Record* provider = nullptr;
};

/// One entry for each offering, in order. A node is opened by descriptor, without following a symbolic link at its
/// end, and only as O_PATH: opening it would wake the driver. In a child, because the file system of a container may
/// hang. What cannot be seen is an entry with a problem.
[[nodiscard]] Result<std::vector<model::NodeFacts>> look_at_nodes(const sys::Proc& proc,
                                                                  const std::vector<Offering>& offerings,
                                                                  sys::Deadline deadline);

/// Of the device offers among `offered` that the container may mean. providers[i] made offered[i]; the rest is the
/// host's.
[[nodiscard]] Result<std::vector<model::NodeFacts>> look_at_devices(const sys::Proc& proc,
                                                                    const std::vector<model::Offered>& offered,
                                                                    const std::vector<registry::Record>& providers,
                                                                    const model::Manifest& wants,
                                                                    sys::Deadline deadline);

}  // namespace xc::inject
