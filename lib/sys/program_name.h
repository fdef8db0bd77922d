// What a process is called, for a person. Runs in xc-inject.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "sys/proc.h"

namespace xc::sys {

/// Both empty when the process is gone.
struct ProgramName {
  std::string program;  ///< as the process calls itself
  std::string file;     ///< its executable, as it sees it
};

/// Of the process `pid`. With its pidfd, when there is one, it is sure that the number has meant nobody else.
[[nodiscard]] ProgramName name_of_program(const Proc& proc, pid_t pid, const Fd& pidfd = Fd());

}  // namespace xc::sys
