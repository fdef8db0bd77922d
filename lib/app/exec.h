// `xc-inject exec`: a program that is given its connections as descriptors, so that it needs no name for them at all.
// The same plan, policy, monitor, worker and sandbox as for a container. A person starts it; never a hook.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace xc::app {

struct ExecOptions {
  std::string container;  ///< run inside this living container, through its own links; empty = here, on the host
  std::string state = "/run/xconnect";
  std::string config;                 ///< as HookOptions::config
  std::string name;                   ///< identity that providers see of a program of the host; empty = the program's
  std::vector<std::string> services;  ///< NAME, NAME;role=R;provider=P, or NAME=ADDRESS: connected as it stands
  std::vector<std::string> listen;    ///< services of the host (services.d) that the program itself provides
  std::vector<std::string> command;
};

/// The words this program was started with.
[[nodiscard]] Result<std::vector<std::string>> own_words();

/// The program's exit code, 128 and the signal when one ended it. It finds the descriptors of `listen` from 3 on
/// (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES: sd_listen_fds(3)), then one for each service in XC_<SERVICE>_FD, and the
/// first of type wayland in WAYLAND_SOCKET too.
[[nodiscard]] Result<int> exec(const ExecOptions& options);

}  // namespace xc::app
