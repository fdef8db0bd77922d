// Who opens a file, told by the kernel (fanotify(7)): for device nodes, where nobody of ours stands between a program
// and the driver. Runs in xc-inject while somebody looks. Never opens the file, and never holds up whoever does.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/proc.h"

namespace xc::sys {

/// One successful open(2). Several of one process that nobody has read yet are told as one.
struct Opening {
  pid_t pid = 0;         ///< in our pid namespace; 0: the kernel does not say
  std::string program;   ///< as the process calls itself; empty: it was gone before we looked
  std::string file;      ///< its executable, as it sees it; the same
  bool overrun = false;  ///< no opening: some were lost, because nobody read them in time
};

class OpenWatch {
 public:
  /// Of the inode behind `file` (O_PATH will do, borrowed). A kernel that cannot name the process (before Linux 5.13,
  /// or without fanotify) still tells that somebody opened it.
  [[nodiscard]] static Result<OpenWatch> begin(const Fd& file);

  /// Readable when something was opened.
  [[nodiscard]] int descriptor() const { return events_.get(); }
  /// What was opened since the last time, oldest first; does not wait.
  [[nodiscard]] std::vector<Opening> take(const Proc& proc) const;

 private:
  OpenWatch(Fd events, bool names) : events_(std::move(events)), names_(names) {}

  Fd events_;
  bool names_;  ///< a group of fanotify, and not of inotify
};

}  // namespace xc::sys
