// `xc-inject ps` and `status`: containers, their links, and what shims say of them at this moment. Runs in xc-inject.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "shim/status.h"

namespace xc::app {

/// A container the registry knows.
struct Seen {
  std::string container;
  std::int64_t pid = 0;
  bool alive = false;
  std::string shim;          ///< "serving", "none" (it only offers), or why it does not answer
  std::int64_t monitor = 0;  ///< pid of the shim
  std::uint64_t observers = 0;
  std::vector<std::string> offers;
  std::vector<shim::PostStatus> links;
};
template <class A>
void fields(A& a, Seen& s) {
  a("container", s.container);
  a("pid", s.pid);
  a("alive", s.alive);
  a("shim", s.shim);
  a("monitor", s.monitor);
  a("observers", s.observers);
  a("offers", s.offers);
  a("links", s.links);
}
/// All of them, or those called `container` (a name, or the pid of its first process), with what their shims say.
[[nodiscard]] Result<std::vector<Seen>> see(const std::string& state, const std::string& container);

/// The same as an aligned table for a person, in lines of at most `width` columns as far as that can be had.
[[nodiscard]] std::string table_of(const std::vector<Seen>& seen, std::size_t width);

/// All that is known of each link, a few lines for each.
[[nodiscard]] std::string account_of(const std::vector<Seen>& seen, std::size_t width);

/// Of answers (PostStatus::latency): the time in microseconds that so many of 100 did not exceed; 0 when there are
/// none.
[[nodiscard]] std::uint64_t percentile(const std::map<std::string, std::uint64_t>& latency, std::uint64_t share);

/// "12 us", "3.4 ms", "1.5 s".
[[nodiscard]] std::string duration_text(std::uint64_t microseconds);
/// "12 B", "3.4 KiB", ...
[[nodiscard]] std::string size_text(std::uint64_t bytes);

}  // namespace xc::app
