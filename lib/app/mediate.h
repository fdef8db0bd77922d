// `xc-inject mediate`: one mediator between two sockets, without a container. The same monitor, worker and sandbox as
// in xc-shim; for tests, and for people who only want the proxy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "shim/admission.h"
#include "shim/config.h"

namespace xc::app {

struct MediateOptions {
  std::string type;                    ///< word of services.json: unix, rest, dbus, wayland
  std::string listen;                  ///< "/path" or "@name"; the path must not exist
  std::string connect;                 ///< "/path" or "@name"
  std::string socket_kind = "stream";  ///< word of services.json: stream, seqpacket
  std::string client = "client";
  std::string role = "any";
  std::vector<std::uint32_t> client_uids;  ///< only clients of these users; empty = any
  std::string client_root;                 ///< only clients whose root is this directory; empty = any
  std::string identity;   ///< word of services.json for a unix service; empty = the provider is told nothing
  std::uint32_t uid = 0;  ///< of the role, for the identity "credentials"
  std::string rules;      ///< file; empty = nothing restricted, nothing special granted
  bool log = false;       ///< one line of JSON on standard error for each message
  int ready_fd = -1;      ///< gets one byte when connections are accepted; its other end closing ends the mediator
};

struct ServeOptions {
  int ready_fd = -1;            ///< as in MediateOptions
  bool log = false;             ///< the same
  bool replace = false;         ///< a socket left at a target is removed first
  shim::Admission admission{};  ///< whom to serve
};

/// Serves the links of `config`, which has no container: at each link's target, towards its address.
[[nodiscard]] Result<> serve(const shim::Config& config, const ServeOptions& options);

/// Serves until SIGTERM, SIGINT or the end of the ready descriptor; then the socket file is gone.
[[nodiscard]] Result<> mediate(const MediateOptions& options);

}  // namespace xc::app
