// A worker's way to tell access logs and live traces what it does: sockets that the monitor handed down. Runs in the
// worker. What leaves is one line of JSON a message; whoever reads it believes it as little as anything of a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "mediate/observer.h"
#include "shim/connection.h"
#include "shim/page.h"

namespace xc::shim {

class SocketObserver final : public mediate::Observer {
 public:
  static constexpr std::size_t most = 8;  ///< listeners at a time; one more takes the place of the oldest

  /// Refusals are kept in `page`, which outlives the observer.
  explicit SocketObserver(Page& page) : page_(page) { listening_ = false; }

  /// Lines go to `socket` (SOCK_SEQPACKET) as well from now on; with `payload`, messages show what they carry.
  void listen(Fd socket, bool payload);
  /// The time it is: that of the round of events at hand, so that it costs nothing.
  void set_time(Clock::time_point now) { now_ = now; }

  /// A reader who is too slow loses lines, and is told how many; the mediation never waits for it.
  void on_event(std::string_view line) override;
  void on_refusal(std::string_view sentence) override { remember(page_, sentence); }
  [[nodiscard]] std::uint64_t now() const override;

 private:
  struct Listener {
    Fd socket;
    bool payload = false;
    std::uint64_t lost = 0;
  };
  void learn_who_is_left();

  Page& page_;
  std::vector<Listener> listeners_;
  Clock::time_point now_ = Clock::now();
};

/// One line of JSON to a reader's socket, behind one that says how many were `lost` on it. A reader who is too slow
/// loses it, which is counted; nobody waits. False when he has left.
[[nodiscard]] bool tell_reader(int socket, std::string_view line, std::uint64_t& lost);

/// One line for bytes that `from` has sent: how many, and what they are when `observer` wants to see that.
void report_bytes(mediate::Observer& observer, std::string_view from, std::string_view bytes, std::size_t size = 0,
                  std::size_t descriptors = 0);

/// One line for a connection that came, or went.
void report_connection(mediate::Observer& observer, std::string_view event, std::string_view reason = {});

}  // namespace xc::shim
