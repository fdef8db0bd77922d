// What a thread sleeps on while it can be woken by more than the stream: an epoll(7) set of edges. Nothing has to be
// read from a bell, so nobody can make us wait in a read. Runs in the program that uses the library.
#pragma once

#include <cstdint>

#include "base/fd.h"

namespace xc::vchan {

class Sleeper {
 public:
  [[nodiscard]] bool open();
  [[nodiscard]] const Fd& descriptor() const { return set_; }
  /// Edges of `events` (EPOLLIN ...), of a descriptor that was or was not in the set before.
  [[nodiscard]] bool add(const Fd& descriptor, std::uint32_t events) const;
  void change(const Fd& descriptor, std::uint32_t events) const;
  void remove(const Fd& descriptor) const;
  void close() { set_.reset(); }

 private:
  Fd set_;
};

/// Sleeps until an edge, at most `milliseconds` (-1: for ever), and takes all there are: their events together.
std::uint32_t sleep_on(int set, int milliseconds);

/// Whether to look a little longer before sleeping: a peer that answers at once is faster than two wake-ups. It is
/// given up, for longer and longer, while it does not pay.
class Vigil {
 public:
  [[nodiscard]] bool worthwhile() {
    if (skip_ > 0) --skip_;
    return skip_ == 0;
  }
  void learn(bool paid) {
    misses_ = paid ? 0 : misses_ < 7 ? misses_ + 1 : misses_;
    skip_ = paid ? 0 : 1U << misses_;
  }
  enum class For : unsigned char { answer, flow };
  /// Looks until `seen()` or some microseconds are over: for an answer all the time, in a flow seldom. There a reader
  /// that comes a little late finds more, and one that looks after every write takes the index away from the writer's
  /// processor each time.
  template <class Seen>
  static bool look(Seen seen, For what) {
    const long begin = nanoseconds();
    long next = begin + (what == For::flow ? seldom : 0);
    for (long now = begin; now < begin + longest; now = nanoseconds()) {
      for (int i = 0; i < 32; ++i) {
        if (what == For::answer && seen()) return true;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
      }
      if (now < next) continue;
      if (seen()) return true;
      next = now + seldom;
    }
    return false;
  }

 private:
  static constexpr long longest = 20'000;
  static constexpr long seldom = 9'000;
  [[nodiscard]] static long nanoseconds();

  unsigned misses_ = 0;
  unsigned skip_ = 0;
};

/// Sleeps until poll(2) has one of `events` for the descriptor.
void sleep_until(int descriptor, short events, int milliseconds);

}  // namespace xc::vchan
