// What remains of a container that is gone, and its removal. Runs in hooks, in the shim's monitor at its end, and in
// xc-inject. Only inodes that are still the ones we made are removed, and only empty ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "model/instance.h"
#include "registry/record.h"
#include "registry/state_dir.h"

namespace xc::registry {

/// Removes a container's entry, its offers, and what planting left: by `directories`, those that the record's planted
/// things lie in, in its order (borrowed), which reach volumes too; without them in its root file system as the host
/// sees it. For the hook that holds the entry's lock.
void release_held(const StateDir& state, const std::string& key, const std::vector<Fd>& directories = {});

/// The same for whoever does not hold it: waits for the lock, and leaves an entry alone that belongs to another life
/// than `init` by then: a new container of that name may have got the pid. Harmless when there is nothing.
void release(const StateDir& state, const std::string& key, const model::Instance& init,
             const std::vector<Fd>& directories = {});

/// What a living container has planted upon as well (their roots are one, or share a volume) goes over to its record,
/// and is not `record`'s any more: to unlink a file takes away every mount on it, in all namespaces. An error means
/// that somebody may use anything: nothing may be removed then.
[[nodiscard]] Result<> leave_to_others(const StateDir& state, const std::string& key, Record& record);

/// Releases every entry whose init is gone: leftovers of killed hooks and killed shims (R14). Returns how many. An
/// entry whose pid has a new owner by now is found out only for containers called `name`: that takes reading its
/// record. A shim that still runs releases its entry itself, and reaches more; for that of `name` is waited, shortly.
int sweep(const StateDir& state, std::string_view name);

/// The same for the container `name`, of which an engine says that it has stopped: crun says so a moment before the
/// process that it killed is gone, so that one is waited for, shortly. Without a shim nobody would come later.
int sweep_stopped(const StateDir& state, std::string_view name);

}  // namespace xc::registry
