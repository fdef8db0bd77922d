// What the host allows: /etc/xconnect/policy.d/*.json. Structs only.
//
// No policy file at all: manifests in places the host controls are trusted (spec 2). One file or more: whatever no
// entry allows is refused.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/service.h"

namespace xc::model {

/// "allow": consumers matching `consumer` may use services matching `service` of providers matching `provider` in the
/// named roles. The four strings are globs (text::glob).
struct Grant {
  std::string consumer;
  std::string service;
  std::string provider = "*";
  std::map<std::string, RoleRules> roles;  ///< role (glob) -> what it may do; empty rules = what the provider says
};
template <class A>
void fields(A& a, Grant& g) {
  a("consumer", g.consumer);
  a("service", g.service);
  a("provider", g.provider);
  a("roles", g.roles);
}

/// "offer": providers matching `provider` may export services matching `service` from their image's own manifest.
struct OfferGrant {
  std::string provider;
  std::string service;
};
template <class A>
void fields(A& a, OfferGrant& g) {
  a("provider", g.provider);
  a("service", g.service);
}

struct Policy {
  bool present = false;  ///< at least one policy file was read
  std::vector<Grant> allow;
  std::vector<OfferGrant> offer;
  std::vector<std::string> warnings;  ///< what has no effect, a line each, safe to print
};
template <class A>
void fields(A& a, Policy& p) {
  a("present", p.present);
  a("allow", p.allow);
  a("offer", p.offer);
  a("warnings", p.warnings);
}

}  // namespace xc::model
