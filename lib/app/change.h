// `xc-inject apply` and `revoke`: links of a container that runs, added and taken away as its hook would have, by the
// same plan, with the same undo. Runs in xc-inject, as root.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace xc::app {

struct ChangeOptions {
  std::string container;  ///< by name, or by the pid of its first process
  std::string link;       ///< SERVICE[:ROLE][=TARGET]
  std::string name;       ///< apply: who a container is that no hook was called for
  std::string state = "/run/xconnect";
  std::string config;         ///< as HookOptions::config
  bool shared_netns = false;  ///< as in run.json
  unsigned deadline_ms = 5000;
};

/// What became of it.
struct Changed {
  std::string container;
  std::string service;
  std::string role;
  std::string target;
  std::vector<std::string> notes;
};
template <class A>
void fields(A& a, Changed& c) {
  a("container", c.container);
  a("service", c.service);
  a("role", c.role);
  a("target", c.target);
  a("notes", c.notes);
}

/// Adds the link. On an error nothing has changed.
[[nodiscard]] Result<Changed> apply_link(const ChangeOptions& options);

/// Takes the link away: its place, its listener and every connection it has.
[[nodiscard]] Result<Changed> revoke_link(const ChangeOptions& options);

}  // namespace xc::app
