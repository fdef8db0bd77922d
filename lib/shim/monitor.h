// The privileged half of the shim: one per container, alive as long as the container's init. Accepts, has the provider
// connected (shim/door), passes the pair to the link's worker. One direction only: it reads no byte of a client, a
// provider or a worker, so no parser stands between sandbox and privilege.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shim/config.h"
#include "shim/guard.h"
#include "shim/lease_desk.h"
#include "shim/post.h"
#include "sys/poller.h"

namespace xc::shim {

/// What the monitor watches besides its links. Descriptors that are not set are not watched.
struct Watch {
  Fd lifetime;  ///< a pidfd, or a pipe: when it becomes readable or hangs up, the monitor's work is done
  Fd signals;   ///< signalfd: SIGTERM or SIGINT ends the monitor
  Fd observer;  ///< not watched: workers tell there what they do (SOCK_SEQPACKET)
  Fd status;    ///< listening socket: whoever connects gets the status as JSON and is let go
};

class Monitor {
 public:
  /// One listener for each of config.links. `config` and `street` outlive the monitor.
  [[nodiscard]] static Result<Monitor> create(const Config& config, const Street& street, std::vector<Fd> listeners,
                                              Watch watch);
  /// Serves until the lifetime ends or a signal says so; then no worker and no connection is left.
  [[nodiscard]] Result<> run();

 private:
  Monitor(const Config& config, const Street& street, Watch watch, sys::Poller poller)
      : config_(config),
        watch_(std::move(watch)),
        poller_(std::move(poller)),
        guard_(config.devices, street.proc, street.init) {}
  [[nodiscard]] Result<bool> handle(std::uint64_t token);
  void serve(std::size_t index);
  [[nodiscard]] Result<> look_after_devices();
  void check_workers();
  void resume_due();
  void watch_workers(const Post& post);
  void watch_shortcuts();
  void answer_status();
  [[nodiscard]] int milliseconds_to_wait() const;

  struct Paused {
    std::size_t index;
    Clock::time_point until;
  };
  const Config& config_;
  Watch watch_;
  sys::Poller poller_;
  std::vector<std::unique_ptr<LeaseDesk>> desks_;
  DeviceGuard guard_;
  bool guard_asleep_ = false;
  std::vector<std::unique_ptr<Post>> posts_;
  std::vector<Paused> paused_;
  bool worker_ended_ = false;  ///< one of them, as the poller says
  std::vector<int> watched_workers_;
  std::vector<int> watched_shortcuts_;  ///< one for each link; -1 = not now
  Clock::time_point now_;
};

}  // namespace xc::shim
