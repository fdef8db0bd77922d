// One mediated connection: two endpoints and the mediator between them. Runs in the worker. Back-pressure, half-close
// and deadlines live here, once for all protocols.
#pragma once

#include <memory>

#include "mediate/mediator.h"
#include "shim/connection.h"
#include "shim/endpoint.h"

namespace xc::shim {

class Session final : public Connection {
 public:
  /// `observer`, which may be null and else outlives the session, is shown the bytes that come, when he wants to see
  /// payloads: for protocols whose messages do not show theirs.
  Session(Fd client, Fd server, std::unique_ptr<mediate::Mediator> mediator, mediate::Observer* observer = nullptr);

  void wake(Side side, std::uint32_t events) override { end(side).wake(events); }
  [[nodiscard]] Result<> pump(Clock::time_point now) override;
  /// The mediator may answer.
  [[nodiscard]] Result<> expire(Clock::time_point now) override;
  [[nodiscard]] bool over() const override { return has_said_all() && (!lingering_ || client.in.ended() || given_up_); }
  [[nodiscard]] std::optional<Clock::time_point> deadline() const override {
    return retry_at_ && (!deadline_ || *retry_at_ < *deadline_) ? retry_at_ : deadline_;
  }
  [[nodiscard]] int descriptor(Side side) const override { return end(side).descriptor(); }
  [[nodiscard]] std::uint32_t interest(Side side) const override { return end(side).interest(); }

  Endpoint client;
  Endpoint server;

 private:
  [[nodiscard]] Endpoint& end(Side side) { return side == Side::client ? client : server; }
  [[nodiscard]] const Endpoint& end(Side side) const { return side == Side::client ? client : server; }
  [[nodiscard]] Result<> flush();
  [[nodiscard]] Result<> receive(Endpoint& end, std::string_view who);
  [[nodiscard]] bool has_said_all() const { return client.drained() && server.drained(); }
  void linger(Clock::time_point now);
  [[nodiscard]] Result<> retry(Clock::time_point now);
  void renew_deadline(Clock::time_point now, bool progress);
  [[nodiscard]] mediate::Wire wire() { return {client.in, server.out, server.in, client.out}; }

  std::unique_ptr<mediate::Mediator> mediator_;
  mediate::Observer* observer_;
  std::optional<Clock::time_point> deadline_;
  std::optional<Clock::time_point> retry_at_;  ///< when to send again what carries descriptors
  std::optional<std::chrono::milliseconds> patience_;
  bool lingering_ = false;
  bool given_up_ = false;  ///< the client went on writing for too long
};

}  // namespace xc::shim
