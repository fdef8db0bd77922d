// One mediated connection: two endpoints and the mediator between them. Runs in the worker. Back-pressure, half-close
// and deadlines live here, once for all protocols.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "mediate/mediator.h"
#include "shim/endpoint.h"

namespace xc::shim {

using Clock = std::chrono::steady_clock;

class Session {
 public:
  Session(Fd client, Fd server, std::unique_ptr<mediate::Mediator> mediator);

  /// Moves everything that can be moved. An error ends the connection at once.
  [[nodiscard]] Result<> pump(Clock::time_point now);
  /// The deadline passed: the mediator may answer; an error ends the connection.
  [[nodiscard]] Result<> expire(Clock::time_point now);

  /// Both ends have been told everything: the connection can be closed.
  [[nodiscard]] bool over() const { return client.drained() && server.drained(); }
  /// When expire() is due; empty = never.
  [[nodiscard]] std::optional<Clock::time_point> deadline() const { return deadline_; }

  Endpoint client;
  Endpoint server;

 private:
  [[nodiscard]] Result<> flush();
  void renew_deadline(Clock::time_point now, bool progress);
  [[nodiscard]] mediate::Wire wire() { return {client.in, server.out, server.in, client.out}; }

  std::unique_ptr<mediate::Mediator> mediator_;
  std::optional<Clock::time_point> deadline_;
  std::optional<std::chrono::milliseconds> patience_;
};

}  // namespace xc::shim
