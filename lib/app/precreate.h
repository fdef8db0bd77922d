// The precreate stage of podman: a proposed config.json in, the changed one out. Sets what a hook at
// createRuntime cannot: variables of the container's first process, rules of its devices. Grants nothing that
// createRuntime would not grant, plants nothing, and leaves nothing behind.
#pragma once

#include <string>

#include "app/call.h"
#include "base/result.h"

namespace xc::app {

/// The document on standard input with its changes, or just as it came when there is nothing to change.
[[nodiscard]] Result<std::string> run_precreate(const HookOptions& options);

/// The container that linux.cgroupsPath names ("/libpod_parent/libpod-ID", "machine.slice:libpod:ID"); empty when it
/// names none.
[[nodiscard]] std::string container_in(const std::string& cgroups_path);

/// What xc-precreate --help prints.
[[nodiscard]] std::string precreate_help();

}  // namespace xc::app
