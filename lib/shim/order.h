// What xc-inject may ask of a running shim on its root-only socket `orders`, and the answer: one message each
// (base/pack.h). Structs only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/link.h"
#include "model/plan.h"

namespace xc::shim {

enum class Wish : std::uint8_t {
  observe,  ///< tell what workers do to the socket that comes along
  add,      ///< serve a link: its listener comes along, and the directory it lies in when it is at a path
  remove,   ///< end the link at `target`, with every connection it has
  count_
};

struct Order {
  Wish wish = Wish::observe;
  std::string service;               ///< observe: this link alone; empty = all
  std::string target;                ///< observe: of several links of that service, the one there; remove: which link
  bool payload = false;              ///< observe: what messages carry, too
  std::uint32_t directory = 0;       ///< remove: which of the directories is let go, counted from 1; 0 = none
  std::vector<model::Link> links;    ///< add: the one
  std::vector<model::Offered> host;  ///< add: what the host itself offers of that service
};
template <class A>
void fields(A& a, Order& o) {
  a("wish", o.wish);
  a("service", o.service);
  a("target", o.target);
  a("payload", o.payload);
  a("directory", o.directory);
  a("links", o.links);
  a("host", o.host);
}

struct Reply {
  std::int32_t kind = 0;  ///< of the error; 0 = done
  std::string error;
};
template <class A>
void fields(A& a, Reply& r) {
  a("kind", r.kind);
  a("error", r.error);
}

inline constexpr std::size_t largest_order = 128UL * 1024;  ///< bytes
inline constexpr std::size_t descriptors_of_an_order = 2;

}  // namespace xc::shim
