// What this kernel can do, asked without doing it. For xc-inject doctor; the code that uses a call finds out by itself.
#pragma once

#include <string>
#include <vector>

namespace xc::sys {

/// "6.1.0-18-amd64"
[[nodiscard]] std::string kernel_release();

/// The system calls of ours that this kernel answers with ENOSYS (or a filter around us does).
[[nodiscard]] std::vector<std::string> missing_calls();

/// Does the kernel take seccomp filters?
[[nodiscard]] bool has_seccomp();

/// The kinds of namespaces that the kernel does not have, as in /proc/self/ns.
[[nodiscard]] std::vector<std::string> missing_namespaces();

/// Those of which no further one may be made.
[[nodiscard]] std::vector<std::string> exhausted_namespaces();

}  // namespace xc::sys
