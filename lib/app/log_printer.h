// A child process that prints the lines of workers on standard error, so that nobody else waits for a slow terminal.
#pragma once

#include <sys/types.h>

#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace xc::app {

class LogPrinter {
 public:
  LogPrinter() = default;
  /// Forks; the child holds only its socket and standard error. To be called while the caller has one thread.
  [[nodiscard]] static Result<LogPrinter> start();
  LogPrinter(LogPrinter&& other) noexcept
      : child_(std::exchange(other.child_, -1)), socket_(std::move(other.socket_)) {}
  LogPrinter(const LogPrinter&) = delete;
  LogPrinter& operator=(const LogPrinter&) = delete;
  LogPrinter& operator=(LogPrinter&&) = delete;
  /// Waits until every line was printed: the child ends when the last copy of the socket is closed.
  ~LogPrinter();

  /// Where lines go (SOCK_SEQPACKET, one a message); none when nothing was started.
  [[nodiscard]] Fd take() { return std::move(socket_); }

 private:
  pid_t child_ = -1;
  Fd socket_;
};

}  // namespace xc::app
