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
  std::vector<std::string> warnings;  ///< what was left out and why, a line each, safe to print
};
template <class A>
void fields(A& a, Manifest& m) {
  a("name", m.name);
  a("requirements", m.requirements);
  a("warnings", m.warnings);
}

/// What the annotations of a container say (spec 2).
struct Annotated {
  Manifest manifest;     ///< from io.xconnect.require.<service>
  std::string run;       ///< io.xconnect.run: host path of a run.json; empty = none
  std::string services;  ///< io.xconnect.services: host path of a services.json; empty = none
};
template <class A>
void fields(A& a, Annotated& n) {
  a("manifest", n.manifest);
  a("run", n.run);
  a("services", n.services);
}

/// services.json: what a provider offers.
struct Exports {
  std::vector<Offer> offers;
  std::vector<std::string> warnings;  ///< what was left out and why, a line each, safe to print
};
template <class A>
void fields(A& a, Exports& e) {
  a("offers", e.offers);
  a("warnings", e.warnings);
}

/// What a document says of itself.
struct Label {
  std::string kind;  ///< "run", "services" or "policy", by its "#spec"; empty when it does not say
};
template <class A>
void fields(A& a, Label& l) {
  a("kind", l.kind);
}

}  // namespace xc::model
