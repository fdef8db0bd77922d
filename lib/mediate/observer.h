// Where a mediator tells what it did, message by message, for an access log or a live trace. Runs in the worker.
// Off = a null pointer in Terms: then nothing is formatted.
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

  /// One finished event as one line of JSON without a newline, safe to print. Valid during the call.
  virtual void on_event(std::string_view line) = 0;
  /// Microseconds of a clock that never goes back: mediators have none of their own.
  [[nodiscard]] virtual std::uint64_t now() const { return 0; }
};

}  // namespace xc::mediate
