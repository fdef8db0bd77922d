// When to look for the next event a little longer instead of going to sleep. Runs in the worker. Waking up costs more
// than passing a message on; but a look that finds nothing is time taken from others, so it is only done while it pays.
#pragma once

#include <algorithm>
#include <chrono>

namespace xc::shim {

class Vigil {
 public:
  static constexpr std::chrono::microseconds longest{50};

  /// Whether to keep looking now, just after something was moved.
  [[nodiscard]] bool worthwhile() { return credit_ > 0 || ++declined_ % retry_every == 0; }
  /// How it went: an event came while we looked, or not.
  void learn(bool came) { credit_ = came ? std::min(credit_ + 2, most_credit) : std::max(credit_ - 3, 0); }

 private:
  static constexpr int most_credit = 12;
  static constexpr unsigned retry_every = 64;
  int credit_ = 0;
  unsigned declined_ = 0;
};

}  // namespace xc::shim
