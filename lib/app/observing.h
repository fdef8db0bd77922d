// Links of running containers whose workers tell us what they do: one socket a link, so that a worker can lie about its
// own link alone. Of device nodes the kernel tells. Runs in xc-inject; reads lines, understands none of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/device_watch.h"
#include "base/fd.h"
#include "base/result.h"
#include "registry/state_dir.h"

namespace xc::app {

/// A link that is looked at.
struct Observed {
  std::string key;  ///< of its container's entry
  std::string container;
  std::string service;
  std::string role;
  std::string type;
  std::string target;
  Fd socket;                          ///< SOCK_SEQPACKET, a line a message
  std::optional<DeviceWatch> device;  ///< instead of a socket, when it is a node
};

/// Which links.
struct Scope {
  std::string container;  ///< empty: all
  std::string service;    ///< empty: all
  bool payload = false;
};

class Observing {
 public:
  Observing(const registry::StateDir& state, Scope scope) : state_(state), scope_(std::move(scope)) {}

  /// Has links that came since the last time tell us, too. The answer: sentences about those that cannot.
  [[nodiscard]] std::vector<std::string> look_for_links();

  /// Calls `take` for what was said meanwhile, at most for so long; forgets links that are gone. False when a signal
  /// came.
  template <class Take>
  [[nodiscard]] bool wait(int milliseconds, Take&& take) {
    const std::vector<std::size_t> ready = wait_for_lines(milliseconds);
    std::string line;
    for (const std::size_t i : ready)
      for (int n = 0; n < lines_at_once && receive(i, line); ++n) take(links_[i], std::string_view(line));
    forget_the_gone();
    return !interrupted_;
  }
  [[nodiscard]] const std::vector<Observed>& links() const { return links_; }

 private:
  static constexpr int lines_at_once = 64;
  [[nodiscard]] Result<> look_at(const std::string& key);
  [[nodiscard]] Result<> begin(Observed& one, const registry::Record& record, const model::Link& link) const;
  void look_at_devices(const std::string& key, const std::vector<model::Link>& links);
  [[nodiscard]] std::vector<std::size_t> wait_for_lines(int milliseconds);
  [[nodiscard]] bool receive(std::size_t index, std::string& line);
  void forget_the_gone();

  const registry::StateDir& state_;
  Scope scope_;
  std::vector<Observed> links_;
  std::vector<std::string> unwilling_;  ///< entries that were complained about
  bool interrupted_ = false;
};

}  // namespace xc::app
