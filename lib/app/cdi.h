// A Container Device Interface file (CDI 0.5.0) for the services of the host: with it
// `podman run --device xconnect/service=NAME` gives a container a link, by CDI's own edits. Pure text.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"

namespace xc::app {

/// Where engines look for such files.
inline constexpr const char* cdi_file = "/etc/cdi/xconnect.json";

/// One device for each service, called like it, and one for each of its roles, "NAME:ROLE". `program` is xc-hook's
/// path. Kind::usage when it cannot stand in such a file.
[[nodiscard]] Result<std::string> cdi_spec(const std::vector<model::Offered>& services, const std::string& program);

/// The same for the services below `config` (as HookOptions::config).
[[nodiscard]] Result<std::string> cdi_for_host(const std::string& config, const std::string& program);

}  // namespace xc::app
