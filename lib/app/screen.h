// A terminal that is redrawn in place, and its keys. Runs in xc-inject. Whatever ends it, the terminal is as before.
#pragma once

#include <termios.h>

#include <optional>
#include <string>

namespace xc::app {

class Screen {
 public:
  /// Takes the terminal over when standard output and standard input are one; else there is none.
  Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  [[nodiscard]] bool there() const { return saved_.has_value(); }
  /// Shows `text`, line by line as far as they fit, instead of what was shown before.
  void show(const std::string& text) const;
  /// A key, or nothing when none came in time. Of a terminal without keys, or after a signal: 'q'.
  [[nodiscard]] std::optional<char> wait_for_key(int milliseconds) const;

 private:
  std::optional<termios> saved_;
};

}  // namespace xc::app
