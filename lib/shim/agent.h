// The process that reads the paths of a container's connect(2) calls. One a container, started by the first call that
// may be for us; sandboxed like a worker, with nine system calls. It is handed one caller's memory at a time, reads at
// most one socket address there and says which of our paths it is. It can do nothing else, and no harm with a wrong
// answer: see redirector.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace xc::shim {

/// The monitor's question; the caller's memory comes with it.
struct Question {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
};

/// The answer: a place in the agent's list of paths, or this.
inline constexpr std::uint32_t none_of_ours = 0xffffffffU;

/// Bytes of a socket address that connect(2) takes, and of those before its path (unix(7)).
inline constexpr std::uint32_t longest_address = 110;
inline constexpr std::uint32_t before_path = 2;

/// The path that these bytes of a socket address name; empty when they name none. Hostile bytes.
[[nodiscard]] std::string_view path_in(std::string_view address);

/// Answers questions until the control socket ends. Runs inside the sandbox.
[[nodiscard]] Result<> run_agent(const std::vector<std::string>& paths, Fd control);

}  // namespace xc::shim
