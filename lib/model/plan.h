// What will be done to a container, as data: checked whole, then carried out in order, undone backwards. Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/container.h"
#include "model/link.h"
#include "model/service.h"

namespace xc::model {

/// What a step does. Undo is the list backwards.
enum class StepKind : std::uint8_t {
  record,   ///< make the container's state directory and write its record there
  publish,  ///< enter the container's offers in the registry
  listen,   ///< make the listening socket of link `link` in the state directory, owned by the container's root
  stage,    ///< make the device node of link `link` on a file system of our own, with the owner it is to have
  plant,    ///< make that socket or node appear at the link's target inside the container
  allow,    ///< let the container's device control group open the node
  launch,   ///< start the shim and wait until it is ready
  count_
};
[[nodiscard]] std::string_view name_of(StepKind kind);

struct Step {
  StepKind kind = StepKind::record;
  std::uint32_t link = 0;  ///< index into Plan::links (listen, stage, plant, allow)
};
template <class A>
void fields(A& a, Step& s) {
  a("kind", s.kind);
  a("link", s.link);
}

/// A sentence for the person: a warning when `warning`, otherwise a remark.
struct Note {
  bool warning = false;
  std::string text;
};
template <class A>
void fields(A& a, Note& n) {
  a("warning", n.warning);
  a("text", n.text);
}

struct Plan {
  Container container;
  std::vector<Link> links;
  std::vector<Offer> offers;  ///< what the container itself exports
  Origin offers_origin = Origin::host;
  std::vector<Step> steps;
  std::vector<Note> notes;
};
template <class A>
void fields(A& a, Plan& p) {
  a("container", p.container);
  a("links", p.links);
  a("offers", p.offers);
  a("offers-origin", p.offers_origin);
  a("steps", p.steps);
  a("notes", p.notes);
}

/// A service somebody offers at this moment.
struct Offered {
  std::string provider;  ///< container name; empty = the host itself
  Origin origin = Origin::host;
  Offer offer;
};
template <class A>
void fields(A& a, Offered& o) {
  a("provider", o.provider);
  a("origin", o.origin);
  a("offer", o.offer);
}

/// Everything about the host that a plan depends on; gathered by inject/survey, or written by a test.
struct HostFacts {
  std::vector<Offered> offered;                  ///< now, by the host and by running containers
  std::optional<std::vector<Offered>> declared;  ///< by every manifest of the host, running or not; absent = not known
  bool others_may_offer = false;                 ///< who is in no manifest of `declared` may offer as well
  bool known_container = true;                   ///< false: planned from files alone, nothing else here was looked up
  bool shared_netns = false;                     ///< the container lives in the host's network namespace
  bool net_neighbours = false;                   ///< others live in the container's network namespace, as in a pod
  std::vector<NodeFacts> nodes{};                ///< those that offered devices name
  bool rootless = false;                         ///< planned for an ordinary user, who is root in a user namespace only
  std::string redirector{};                      ///< where our shim would hear of the container's connect(2) calls
};
template <class A>
void fields(A& a, HostFacts& f) {
  a("offered", f.offered);
  a("declared", f.declared);
  a("others-may-offer", f.others_may_offer);
  a("known-container", f.known_container);
  a("shared-netns", f.shared_netns);
  a("net-neighbours", f.net_neighbours);
  a("nodes", f.nodes);
  a("rootless", f.rootless);
  a("redirector", f.redirector);
}

}  // namespace xc::model
