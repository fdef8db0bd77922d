// Descriptors for a program that is about to start, and the variables that name them. Runs in xc-inject.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace xc::app {

/// One descriptor and the service it leads to.
struct Given {
  std::string service;
  bool wayland = false;
  Fd socket;
};

/// "XC_<SERVICE>_FD": the service in capitals, with "_" for what a variable's name cannot hold.
[[nodiscard]] std::string variable_of(const std::string& service);

/// A connection, and what is known of it.
struct Reached {
  Fd socket;             ///< it blocks, as programs expect
  bool wayland = false;  ///< whoever handed it over says so
};

/// The service at "/path", "@name", "tcp:127.0.0.1:PORT" or what "fd:NAME" hands over, in the namespaces of the calling
/// process.
[[nodiscard]] Result<Reached> connect_to(const std::string& address, bool packets = false);

/// Lets a descriptor wait instead of answering "not now".
[[nodiscard]] Result<> make_blocking(const Fd& socket);

/// Replaces the calling process by `command`, with the descriptors from 3 on: `listening` first, then `connected`.
/// Returns only with the reason why it could not.
[[nodiscard]] std::unexpected<Error> become(const std::vector<std::string>& command,
                                            const std::vector<Given>& listening, const std::vector<Given>& connected);

}  // namespace xc::app
