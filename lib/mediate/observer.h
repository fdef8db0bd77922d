// Where a mediator tells what it did, message by message, for an access log or a live trace. Runs in the worker.
// Off = a null pointer in Terms, or nobody listening: then nothing is formatted.
#pragma once

#include <cstdint>
#include <string_view>

namespace xc::mediate {

class Observer {
 public:
  Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;
  virtual ~Observer() = default;

  /// Somebody wants lines now.
  [[nodiscard]] bool listening() const { return listening_; }
  /// He wants to see what messages carry, too.
  [[nodiscard]] bool wants_payload() const { return payload_; }

  /// One finished event as one line of JSON without a newline, safe to print. Valid during the call.
  virtual void on_event(std::string_view line) = 0;
  /// A message was refused, in one sentence; told though nobody listens. It may hold bytes of the peers.
  virtual void on_refusal(std::string_view /*sentence*/) {}
  /// Microseconds of a clock that never goes back: mediators have none of their own. 0 = there is none.
  [[nodiscard]] virtual std::uint64_t now() const { return 0; }

 protected:
  bool listening_ = true;
  bool payload_ = false;
};

}  // namespace xc::mediate
