// What Pantavisor keeps about the containers of a device. Structs only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/manifest.h"

namespace xc::model {

/// One container of a revision, as the revision's state document has it.
struct Member {
  std::string name;
  std::optional<Manifest> wants;  ///< run.json
  std::optional<Exports> offers;  ///< services.json
  std::string fault;              ///< why one of them cannot be used; empty = none has a fault
};
template <class A>
void fields(A& a, Member& m) {
  a("name", m.name);
  a("wants", m.wants);
  a("offers", m.offers);
  a("fault", m.fault);
}

/// All of a revision's containers (.pvr/json).
struct Revision {
  std::vector<Member> members;
};
template <class A>
void fields(A& a, Revision& r) {
  a("members", r.members);
}

/// Who a role is on the bus that Pantavisor runs (config/dbus-role-uids.json).
struct RoleUids {
  std::map<std::string, std::uint32_t> uids;
};
template <class A>
void fields(A& a, RoleUids& u) {
  a("uids", u.uids);
}

}  // namespace xc::model
