// The namespaces of a container, held by descriptor before any is entered (R05). Runs in the hook and its children.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "sys/process.h"

namespace xc::sys {

struct Namespaces {
  Fd mount;
  Fd user;
  Fd net;
  Fd pid;
};

/// The namespaces of `process`, which must be alive afterwards: so they were its own.
[[nodiscard]] Result<Namespaces> open_namespaces(const Process& process);

/// The namespaces of the calling process.
[[nodiscard]] Result<Namespaces> own_namespaces(const Proc& proc);

/// True when both descriptors (borrowed, any kind) are of the same file.
[[nodiscard]] Result<bool> same_file(int a, int b);

/// Moves the calling process, which must have one thread, into a mount namespace: "/" and the working directory are
/// then that namespace's. Only in a forked child, after everything it needs of the host is open.
[[nodiscard]] Result<> enter_mount_namespace(const Fd& mount);

/// The same for a network namespace, for the calling thread.
[[nodiscard]] Result<> enter_net_namespace(const Fd& net);

}  // namespace xc::sys
