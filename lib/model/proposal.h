// The configuration an engine proposes for a container, before it exists (podman's precreate stage), and
// where something can be added to it. Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

/// A piece of a JSON text.
struct Span {
  std::uint64_t at = 0;
  std::uint64_t size = 0;
};
template <class A>
void fields(A& a, Span& s) {
  a("at", s.at);
  a("size", s.size);
}

struct Proposal {
  OciConfig config;
  std::string cgroups_path;    ///< linux.cgroupsPath: the only place that names the container; empty when absent
  std::optional<Gap> env;      ///< process.env
  std::optional<Gap> devices;  ///< linux.resources.devices
  // Just behind an opening bracket; `first` then says that nothing follows.
  Gap top;                         ///< the whole configuration
  std::optional<Gap> annotations;  ///< annotations
  std::optional<Gap> machine;      ///< linux
  std::optional<Gap> filter;       ///< linux.seccomp
  std::optional<Gap> calls;        ///< linux.seccomp.syscalls
  std::vector<Span> connects;      ///< "connect" in the names of those, with the comma that goes with it
  bool asks = false;               ///< linux.seccomp has a listenerPath
};
template <class A>
void fields(A& a, Proposal& p) {
  a("config", p.config);
  a("cgroups-path", p.cgroups_path);
  a("env", p.env);
  a("devices", p.devices);
  a("top", p.top);
  a("annotations", p.annotations);
  a("machine", p.machine);
  a("filter", p.filter);
  a("calls", p.calls);
  a("connects", p.connects);
  a("asks", p.asks);
}

}  // namespace xc::model
