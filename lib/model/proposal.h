// The configuration an engine proposes for a container, before it exists (podman's precreate stage), and
// where something can be added to it. Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/container.h"

namespace xc::model {

/// The end of a list in a JSON text: what is added to the list goes there.
struct Gap {
  std::uint64_t at = 0;  ///< offset of its "]"
  bool first = false;    ///< the list is empty: no comma in front
};
template <class A>
void fields(A& a, Gap& g) {
  a("at", g.at);
  a("first", g.first);
}

struct Proposal {
  OciConfig config;
  std::string cgroups_path;    ///< linux.cgroupsPath: the only place that names the container; empty when absent
  std::optional<Gap> env;      ///< process.env
  std::optional<Gap> devices;  ///< linux.resources.devices
};
template <class A>
void fields(A& a, Proposal& p) {
  a("config", p.config);
  a("cgroups-path", p.cgroups_path);
  a("env", p.env);
  a("devices", p.devices);
}

}  // namespace xc::model
