// A connection of a raw link: two sockets, and a lane each way. Runs in the worker; no byte is looked at.
#pragma once

#include "mediate/mediator.h"
#include "shim/connection.h"
#include "shim/lane.h"

namespace xc::shim {

class Relay final : public Connection {
 public:
  struct Terms {
    bool packets = false;                ///< seqpacket, not stream
    std::uint32_t most_descriptors = 0;  ///< in one message, either way
    std::optional<ucred> credentials;    ///< shown to the provider with everything the client says
    mediate::Tally& tally;
    bool drops = false;                     ///< see LaneTerms
    mediate::Observer* observer = nullptr;  ///< told of what is moved; may be null
  };
  /// `tools` and the tally outlive the relay.
  Relay(Fd client, Fd server, const Terms& terms, Toolbox& tools);

  void wake(Side side, std::uint32_t events) override;
  [[nodiscard]] Result<> pump(Clock::time_point now) override;
  [[nodiscard]] Result<> expire(Clock::time_point now) override;
  [[nodiscard]] std::optional<Clock::time_point> deadline() const override { return deadline_; }
  [[nodiscard]] bool over() const override { return to_server_.over() && to_client_.over(); }
  [[nodiscard]] int descriptor(Side side) const override { return ports_[index(side)].socket.get(); }
  [[nodiscard]] std::uint32_t interest(Side side) const override;

 private:
  [[nodiscard]] static std::size_t index(Side side) { return static_cast<std::size_t>(side); }

  Toolbox& tools_;
  std::array<Port, 2> ports_;
  std::array<bool, 2> hung_up_{};
  Lane to_server_;
  Lane to_client_;
  std::optional<Clock::time_point> deadline_;
};

}  // namespace xc::shim
