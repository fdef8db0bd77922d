// The documents a hook reads, as structs. Structs only.
#pragma once

#include <string>
#include <vector>

#include "model/service.h"

namespace xc::model {

/// run.json (or args.json, or annotations): what a container asks for.
struct Manifest {
  std::string name;  ///< run.json "name", informative: identity comes from the engine
  std::vector<Requirement> requirements;
};
template <class A>
void fields(A& a, Manifest& m) {
  a("name", m.name);
  a("requirements", m.requirements);
}

/// services.json: what a provider offers.
struct Exports {
  std::vector<Offer> offers;
};
template <class A>
void fields(A& a, Exports& e) {
  a("offers", e.offers);
}

}  // namespace xc::model
