// One line per event, for the host's administrator. Never blocks, never fails, never grows without bound.
//
// A hook writes to standard error (the engine shows it); a shim has no stdio and writes to the host's syslog socket.
// Text from outside must come through text::printable first (R37).
#pragma once

#include <string_view>

#include "base/fd.h"

namespace xc::log {

enum class Level : int { error = 3, warning = 4, notice = 5, info = 6 };  // syslog(3) severities

/// Where lines go from now on. `program` is the syslog tag and must outlive the process.
void to_stderr(std::string_view program);
/// A datagram per line to /dev/log, dropped when nobody listens; at most 20 lines a second (R37).
void to_syslog(std::string_view program);
/// Also append every line to this file (opened with O_APPEND), for the rest of the process's life.
void also_to(Fd file);
/// That file, to be handed to a process we start; -1 when there is none.
[[nodiscard]] int extra();

void write(Level level, std::string_view line);
inline void error(std::string_view line) {
  write(Level::error, line);
}
inline void warning(std::string_view line) {
  write(Level::warning, line);
}
inline void notice(std::string_view line) {
  write(Level::notice, line);
}
inline void info(std::string_view line) {
  write(Level::info, line);
}

}  // namespace xc::log
