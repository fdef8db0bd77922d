// Keeps what the hook allowed: systemd writes a unit's own device list again at every daemon-reload, engines do on an
// update, and either forgets the container's granted nodes. Runs in the monitor. Sleeps until somebody writes to the
// container's control group or systemd reloads (inotify(7)); only where systemd manages the host does it also look
// once a minute, because a program can be exchanged without a write.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/link.h"
#include "shim/post.h"
#include "sys/device_group.h"
#include "sys/proc.h"
#include "sys/process.h"

namespace xc::shim {

class DeviceGuard {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Of the nodes `devices`, which outlive it. What cannot be guarded is said in the status and the log, and is no
  /// error: the container has its devices. `init` is null for a mediator without a container.
  DeviceGuard(const std::vector<model::Link>& devices, const sys::Proc& proc, const sys::Process* init);

  /// Readable when there is a reason to look; -1 = never.
  [[nodiscard]] int descriptor() const { return events_.get(); }
  /// Takes the events in and settles when to look: a moment later, however many there are. Whoever floods a group with
  /// writes does not get more than that.
  void notice(Time now);
  /// When check() is due; empty = not before an event.
  [[nodiscard]] std::optional<Time> next_check() const;
  /// Puts back what is lost, when a look is due. True when it looked.
  bool check(Time now);
  /// The link is over, though its container may live on: nobody inside may open the nodes any more.
  void end();
  [[nodiscard]] std::vector<PostStatus> status() const;

 private:
  struct Watched {
    const model::Link* link = nullptr;
    std::uint64_t restored = 0;
    std::string trouble;
  };
  [[nodiscard]] Result<> watch(int directory);
  void look_after(Watched& one);

  std::vector<Watched> devices_;
  std::optional<sys::DeviceGroup> group_;
  Fd events_;
  std::optional<Time> due_;
  std::vector<std::chrono::milliseconds> later_;  ///< looks still to come after the next: systemd takes its time
  bool systemd_ = false;
};

}  // namespace xc::shim
