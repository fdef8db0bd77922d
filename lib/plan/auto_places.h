// Where a client looks for a service when the manifest names no place (target "auto", spec 3): its own convention,
// read from the environment of the container's first process, then directories that nearly every container has. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/link.h"
#include "model/service.h"

namespace xc::plan {

/// "NAME=value" entries, as in process.env of an OCI configuration; empty when they are not known (LXC).
using Environment = std::vector<std::string>;

/// The value of a variable; empty when it is not set. The first entry counts, as for getenv(3).
[[nodiscard]] std::string_view value_of(const Environment& environment, std::string_view name);

/// Places in the order of preference, "/path" and "@name", none twice; empty for devices, whose place is never guessed.
/// Wayland clients follow wl_display_connect(3): WAYLAND_DISPLAY, absolute or below XDG_RUNTIME_DIR, never an abstract
/// name. D-Bus clients follow DBUS_SYSTEM_BUS_ADDRESS, or DBUS_SESSION_BUS_ADDRESS when the service is called a
/// session bus, of which the first unix:path= or unix:abstract= counts. What a variable holds is only proposed here:
/// the caller judges it like any target.
[[nodiscard]] std::vector<std::string> auto_places(model::Type type, std::string_view service,
                                                   const Environment& environment);

/// Where programs look for the link's device node: at the kernel's own name for it. While it is not known (planned from
/// files alone), at what the first one of its kind would be called.
[[nodiscard]] std::string device_place(const model::Link& link);

/// The same for a vchan: below VCHAN_SOCKET_DIR where that is set, then where libvchan-socket looks without it.
[[nodiscard]] std::vector<std::string> vchan_places(const model::VchanEnds& ends, const Environment& environment);

/// Whether a bus of that name is the session's; any other is the system's.
[[nodiscard]] bool is_session_bus(std::string_view service);

}  // namespace xc::plan
