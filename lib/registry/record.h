// What the registry keeps about a container while it lives, one small JSON file each. Structs only.
#pragma once

#include <string>
#include <vector>

#include "model/container.h"
#include "model/instance.h"
#include "model/link.h"
#include "model/service.h"
#include "sys/parent_dir.h"
#include "sys/planted_file.h"

namespace xc::registry {

/// Everything that must be known to find a container's services, and to leave nothing behind.
struct Record {
  model::Container container;
  model::Instance init;
  sys::FileId root;  ///< the container's root directory: tells it from the host's before pivot_root
  model::Origin offers_origin = model::Origin::host;
  std::vector<model::Offer> offers;
  std::vector<model::Link> links;
  std::vector<sys::Planted> planted;  ///< in the order it was done
  bool served = false;                ///< the hook has done everything
};
template <class A>
void fields(A& a, Record& r) {
  a("container", r.container);
  a("init", r.init);
  a("root", r.root);
  a("offers-origin", r.offers_origin);
  a("offers", r.offers);
  a("links", r.links);
  a("planted", r.planted);
  a("served", r.served);
}

}  // namespace xc::registry
