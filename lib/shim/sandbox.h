// The place a worker lives in: own user, pid, mount, network, IPC, UTS and cgroup namespaces, an empty root, a kernel
// uid of its own, no capability, small limits. The system call filter comes last, by the worker itself, once it holds
// what it needs (shim/worker). Every layer holds without the others (tests/probe tries each).
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>

#include "base/fd.h"
#include "base/result.h"

namespace xc::shim {

struct SandboxTerms {
  uid_t uid = 65534;           ///< kernel uid and gid of the worker; nobody else on the host may have it (R32)
  unsigned descriptors = 256;  ///< its RLIMIT_NOFILE
  /// A user (and group) it may name in SCM_CREDENTIALS, as its saved id; it never acts as that user.
  std::optional<uid_t> speaks_as{};
  const char* name = "xc-worker";  ///< as ps(1) shows it
  bool keeps_queue = false;        ///< what it has not taken when it dies is still wanted
};

/// A child in its sandbox. Dropping it closes the control socket, which ends the child.
struct Sandboxed {
  pid_t pid = -1;
  Fd pidfd;    ///< readable when the child is gone
  Fd control;  ///< our end of a SOCK_SEQPACKET pair
  Fd queue;    ///< its end, when it was to be kept: what we sent waits there
};

/// Private kernel uid for workers of the container whose init is `init`: above every range that systemd.io/UIDS-GIDS
/// gives out, and as unique as a pid.
[[nodiscard]] constexpr uid_t private_uid(pid_t init) {
  return 0x70000000U + static_cast<uid_t>(init);
}

/// Forks; the child enters the sandbox, calls `work` with its end of the pair and exits. `complain` runs in the child,
/// for the sentence of a step that failed (the child then exits without having worked).
/// Without user namespaces (disabled by the host) root falls back to a real uid with all other layers; a caller who has
/// neither gets the error, and nothing runs unconfined.
[[nodiscard]] Result<Sandboxed> start_sandboxed(const SandboxTerms& terms, const std::function<Result<>(Fd)>& work,
                                                const std::function<void(std::string_view)>& complain);

}  // namespace xc::shim
