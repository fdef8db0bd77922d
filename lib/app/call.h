// Who called the hook, at which moment, about which container: an OCI runtime (state on standard input) or LXC
// (environment, or arguments in hook version 0). Runs in the hook, before it forgets its environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace xc::app {

/// The hook's own options: xc-hook [--state DIR] [--config DIR] [--log FILE] [--deadline MS] [--run FILE]
/// [--services FILE] [--storage DIR] [STAGE | NAME lxc TYPE].
struct HookOptions {
  std::string state = "/run/xconnect";
  std::string config;  ///< empty: /etc/xconnect, if it is there
  std::string log;
  std::string run;                     ///< consumer's manifest, instead of looking for one
  std::string services;                ///< provider's manifest, instead of looking for one
  std::string storage;                 ///< of Pantavisor, when the place of the LXC configuration does not tell
  std::vector<std::string> require{};  ///< NAME=TARGET[;role=R...]: asked for on the command line (CDI)
  unsigned deadline_ms = 2000;
};

/// What LXC said.
struct LxcCall {
  std::string name;
  std::string type;  ///< start-host, post-stop, ...
  std::int64_t pid = 0;
  std::string directory;  ///< of its configuration file, absolute; empty when it has none
  std::string root;       ///< host path of the root file system; empty when it is not a plain directory
};

struct Call {
  HookOptions options;
  std::optional<LxcCall> lxc;
  model::Stage stage = model::Stage::other;  ///< as far as arguments tell; of an OCI call without STAGE: other
};

/// Reads the arguments and LXC's variables. Kind::usage with one line when they make no sense.
[[nodiscard]] Result<Call> recognise(int argc, char** argv);

/// What xc-hook --help prints.
[[nodiscard]] std::string hook_help();

}  // namespace xc::app
