// "via": "direct": the provider's own socket shown on top of our listener, so that nothing runs between client and
// provider. Runs in the monitor; what enters a container's namespaces is a forked child under a deadline. While the
// provider is away our listener lies open again: whoever connects is served by it, and makes us look.
#pragma once

#include <chrono>
#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "shim/door.h"
#include "sys/parent_dir.h"
#include "sys/poller.h"

namespace xc::shim {

class Shortcut {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Both outlive it.
  Shortcut(const model::Link& link, const Street& street) : link_(link), street_(street) {}

  /// Readable when the provider's socket may have become another, and -1 before anything was shown or while a look is
  /// due: then further events say nothing new.
  [[nodiscard]] int descriptor() const { return due_ ? -1 : events_ ? events_->descriptor() : -1; }
  /// Such an event. Whoever floods a directory with files does not get more looks than one every few milliseconds.
  void notice(Time now);
  /// When tend() is due; empty = not before an event.
  [[nodiscard]] std::optional<Time> next_look() const { return due_; }

  /// Shows what `door` finds, if that is another socket than before, or takes the old one away. Why nothing is shown
  /// is told by trouble().
  void tend(Door& door);
  /// Our listener lies open again.
  void take_away();
  [[nodiscard]] bool is_shown() const { return shown_.has_value(); }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  [[nodiscard]] Result<> show(const Way& way, sys::FileId socket);
  [[nodiscard]] Result<> watch(const Way* way);
  [[nodiscard]] Result<> watch_directory(int directory);

  const model::Link& link_;
  const Street& street_;
  std::optional<sys::Poller> events_;  ///< of `directory_`, and of the provider's end
  Fd directory_;                       ///< inotify(7)
  Fd provider_;                        ///< pidfd
  std::optional<sys::FileId> shown_;
  std::optional<Time> due_;
  std::string trouble_;
};

}  // namespace xc::shim
