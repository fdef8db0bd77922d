// What can be known of a device link while it is used: who opens the planted node, and whether the container's device
// group still lets it. Nobody of ours stands between a program and a driver. Runs in xc-inject while somebody looks;
// opens no device.
#pragma once

#include <deque>
#include <string>

#include "base/result.h"
#include "model/device.h"
#include "registry/record.h"
#include "sys/open_watch.h"
#include "sys/proc.h"

namespace xc::app {

class DeviceWatch {
 public:
  /// Of the node at `link`, one of the record's. Refused when another file lies there by now.
  [[nodiscard]] static Result<DeviceWatch> begin(const registry::Record& record, const model::Link& link);

  /// Readable when somebody opened the node.
  [[nodiscard]] int descriptor() const { return opens_.descriptor(); }
  /// Whether next() has a line, whatever the descriptor says.
  [[nodiscard]] bool has_line() const { return !lines_.empty(); }
  /// The next event, as a line of JSON (model/event.h); false when there is none. Does not wait.
  [[nodiscard]] bool next(std::string& line);
  /// Sees whether the rule is still there; a change is a line.
  void look_at_rule();

 private:
  DeviceWatch(sys::Proc proc, sys::OpenWatch opens, const registry::Record& record, const model::NodeName& node);

  sys::Proc proc_;
  sys::OpenWatch opens_;
  model::Instance init_;
  model::NodeName node_;
  std::deque<std::string> lines_;
  bool allowed_ = true;
};

}  // namespace xc::app
