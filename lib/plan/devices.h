// Which device node a link grants: the verdict over what the host found at the place an offer names (spec 5, R28).
// Pure: what sysfs says was read before (inject/nodes). A node is never judged by its number's range, and card and
// render node of one GPU belong together because they are on the same hardware.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/link.h"
#include "model/plan.h"

namespace xc::plan {

/// Roles of a display: "master" (card), "render", "lease", "lease:CONNECTOR", and "any" for the node that the offer
/// names. Other devices have roles of any name.
[[nodiscard]] Result<> check_device_role(const model::Link& link);

/// For an ordinary user: the host's own node will be shown. Refused where more would be needed than to open it.
[[nodiscard]] Result<> lend(model::Device& device);

/// The node for the link's role. Refused, as Kind::policy: a device that an image offers, and one that is no display
/// and not the host's; as Kind::plant: what is no character device, what the kernel calls otherwise than the offer,
/// what is of another type or role. `nodes` holds what was found at the offer's place.
[[nodiscard]] Result<model::Device> identify(const model::Link& link, const model::Offered& offered,
                                             const std::vector<model::NodeFacts>& nodes);

/// What is known of the device by the link's words alone: its kind and whether it is leased. The node has no name.
[[nodiscard]] model::Device device_in_words(const model::Link& link);

/// "c 226:0 dri/card0"
[[nodiscard]] std::string describe_node(const model::NodeName& node);

}  // namespace xc::plan
