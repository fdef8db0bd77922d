// Into a running container, as its engine's own "exec" would: all namespaces, its root, no more rights than its first
// process has. For a person's programs (xc-inject exec); hooks and shims never go in.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sys/process.h"

namespace xc::sys {

/// Replaces the running program by a sealed copy of itself in memory, with the same words and variables, unless it is
/// one: the container could overwrite the host's file through /proc/PID/exe (CVE-2019-5736).
[[nodiscard]] Result<> run_from_memory(const std::vector<std::string>& words);

/// Forks twice; returns in the innermost child, inside. The outer process returns the child's exit code and has changed
/// nothing of itself. Needs Linux 5.8 (setns(2) with a pidfd).
struct Inside {
  bool child = false;
  int code = 0;
};
[[nodiscard]] Result<Inside> enter_container(const Proc& proc, const Process& init);

/// What waitpid(2) said as an exit code: 128 and the signal when one ended it.
[[nodiscard]] int exit_code_of(int status);

}  // namespace xc::sys
