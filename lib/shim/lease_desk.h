// A link that hands out a lease of one screen: whoever connects gets the lease's descriptor and a line with the name of
// its connector, and is let go. One lease for the life of the link, however often it is asked for; revoked at its end.
// Runs in the monitor; reads no byte of a client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/event.h"
#include "model/link.h"
#include "registry/state_dir.h"
#include "shim/post.h"
#include "sys/drm.h"

namespace xc::shim {

class LeaseDesk {
 public:
  /// `link` and `state` outlive the desk; `key` is our entry there.
  LeaseDesk(const model::Link& link, const registry::StateDir* state, std::string key, Fd listener)
      : link_(link), state_(state), key_(std::move(key)), listener_(std::move(listener)) {}

  /// Serves one client that waits. A host that has no screen for it is no news for the container: the connection ends
  /// without a word, and the reason stands in the status and the log.
  void serve();
  [[nodiscard]] int listener() const { return listener_.get(); }
  [[nodiscard]] const model::Link& link() const { return link_; }
  /// Leases are told to this socket (borrowed), until forget(): a line of JSON each (model/event.h).
  void observe(int socket) { readers_.push_back({socket}); }
  void forget(int socket);
  /// Takes the screen away from whoever has it; `why` is for those who observe.
  void end(std::string_view why);
  [[nodiscard]] PostStatus status() const;

 private:
  [[nodiscard]] Result<> make_lease();
  [[nodiscard]] Result<> hand_out(const Fd& client);
  void tell(const model::Event& event);

  struct Reader {
    int socket;
    std::uint64_t lost = 0;  ///< lines that he was too slow for
  };

  const model::Link& link_;
  const registry::StateDir* state_;
  std::string key_;
  Fd listener_;
  Fd card_;
  std::optional<sys::Lease> lease_;
  std::vector<Reader> readers_;
  std::uint64_t served_ = 0;
  std::uint64_t refused_ = 0;
  std::string reason_;
};

}  // namespace xc::shim
