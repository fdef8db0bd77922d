// Keeps what the hook allowed: systemd writes a unit's own device list again at every daemon-reload, engines do on an
// update, and either forgets the container's granted nodes. Runs in the monitor. Sleeps until somebody writes to the
// container's control group or systemd reloads (inotify(7)); only where systemd manages the host does it also look
// once a minute, because a program can be exchanged without a write.
#pragma once

#include <chrono>
#include <memory>
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
  /// error: the container has its devices. `init` is null for a mediator without a container; both outlive it.
  DeviceGuard(const std::vector<model::Link>& devices, const sys::Proc& proc, const sys::Process* init);

  /// One more, whose rule is there already. descriptor() may be another afterwards.
  void take_on(std::unique_ptr<model::Link> device);
  /// The one at `target` is looked after no longer; its rule stays as it is. False when there is none. Of the last one
  /// descriptor() is closed.
  bool forget(const std::string& target);
  [[nodiscard]] std::size_t size() const { return devices_.size(); }

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
    std::unique_ptr<model::Link> own;  ///< when it came later
    const model::Link* link = nullptr;
    std::uint64_t restored = 0;
    std::string trouble;
  };
  void begin();
  [[nodiscard]] Result<> watch(int directory);
  void look_after(Watched& one);

  const sys::Proc& proc_;
  const sys::Process* init_;
  std::vector<Watched> devices_;
  std::optional<sys::DeviceGroup> group_;
  Fd events_;
  std::optional<Time> due_;
  std::vector<std::chrono::milliseconds> later_;  ///< looks still to come after the next: systemd takes its time
  bool systemd_ = false;
};

}  // namespace xc::shim
