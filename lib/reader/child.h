// The process that reads hostile text (R17). Forked, never exec'ed; it holds its socket and nothing else.
#pragma once

#include "base/result.h"

namespace xc::reader {

/// Leaves the calling process with `socket` as descriptor 0 and no other, without capabilities, with small limits, not
/// dumpable, dying with its parent, and with the system calls that reading, writing and memory need; any other call
/// kills it. An error means that it must end at once.
[[nodiscard]] Result<> confine(int socket);

/// Answers requests on descriptor 0 until its end, then ends the process.
[[noreturn]] void serve();

}  // namespace xc::reader
