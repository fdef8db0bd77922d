// `xc-inject dbus-proxy`: the command line of xdg-dbus-proxy(1) on our monitor, sandbox and mediator, for programs that
// start that proxy (flatpak, bubblewrap front ends).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace xc::app {

/// Serves until SIGTERM, SIGINT or the end of the --fd descriptor. Gives the text to print when --help or --version
/// asks for one, and nothing when it has served.
[[nodiscard]] Result<std::string> dbus_proxy(const std::vector<std::string>& words);

}  // namespace xc::app
