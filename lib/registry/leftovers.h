// What remains of a container that is gone, and its removal. Runs in hooks, in the shim's monitor at its end, and in
// xc-inject. Only inodes that are still the ones we made are removed, and only empty ones.
#pragma once

#include <string>
#include <string_view>

#include "registry/state_dir.h"

namespace xc::registry {

/// Removes a container's entry, its offers, and what planting left in its root file system as the host sees it.
/// Harmless when there is nothing, or when another process does the same at this moment.
void release(const StateDir& state, const std::string& key);

/// Releases every entry whose init is gone: leftovers of killed hooks and killed shims (R14). Returns how many. An
/// entry whose pid has a new owner by now is found out only for containers called `name`: that takes reading its
/// record.
int sweep(const StateDir& state, std::string_view name);

}  // namespace xc::registry
