// The end of a child of ours that is waited for however long it takes. Runs in whatever process forked it.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <cerrno>

namespace xc::sys {

/// Waits until `child` has ended, and says how (wait(2)); 0 when it is no child of ours, or was waited for before.
inline int reap(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace xc::sys
