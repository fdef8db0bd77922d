// What a shim says of itself to xc-inject. Structs only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shim/post.h"

namespace xc::shim {

struct Status {
  std::string container;
  std::int64_t pid = 0;
  std::int64_t monitor = 0;  ///< pid of the shim itself
  std::uint64_t observers = 0;
  std::vector<PostStatus> links;
};
template <class A>
void fields(A& a, Status& s) {
  a("container", s.container);
  a("pid", s.pid);
  a("monitor", s.monitor);
  a("observers", s.observers);
  a("links", s.links);
}

}  // namespace xc::shim
