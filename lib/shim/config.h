// What a shim is told when it starts: packed (base/pack.h) into a memfd by the hook, or built in place by
// `xc-inject mediate`. Structs only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/instance.h"
#include "model/link.h"
#include "model/plan.h"

namespace xc::shim {

struct Config {
  std::string consumer;              ///< identity of the container whose clients come: its name
  std::string key;                   ///< of its entry in the state directory, and of its cgroup
  std::string state;                 ///< path of the state directory; empty for a mediator without a container
  model::Instance init;              ///< the container's first process; pid 0 for a mediator without a container
  std::vector<model::Link> links;    ///< one listener each, in the same order
  std::vector<model::Link> leases;   ///< of screens; their listeners follow those of the links
  std::vector<model::Link> devices;  ///< nodes that were planted, and are guarded from losing their rule
  std::vector<model::Offered> host;  ///< what the host itself offers of the services these links name
  bool redirects = false;            ///< the container's filter asks at our place about connect(2)
  bool engine_is_there = false;      ///< and must have come there already
  std::uint32_t directories = 0;     ///< holds on what was planted, in the order of the record; after the listeners
};
template <class A>
void fields(A& a, Config& c) {
  a("consumer", c.consumer);
  a("key", c.key);
  a("state", c.state);
  a("init", c.init);
  a("links", c.links);
  a("leases", c.leases);
  a("devices", c.devices);
  a("host", c.host);
  a("redirects", c.redirects);
  a("engine-is-there", c.engine_is_there);
  a("directories", c.directories);
}

/// Descriptors at fixed places when xc-shim is executed; the listeners follow from `listeners` on,
/// then the directories.
struct Places {
  static constexpr int config = 3;  ///< memfd with the packed Config
  static constexpr int hook = 4;    ///< SOCK_SEQPACKET to the hook: READY goes out, COMMIT comes in
  static constexpr int init = 5;    ///< pidfd of the container's init
  static constexpr int log = 6;     ///< extra log file, or /dev/null
  static constexpr int listeners = 7;
};

}  // namespace xc::shim
