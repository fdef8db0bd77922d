// One handle of the API: its place, its state, its two directions, its events. Runs in the program that uses the
// library. Sleeps without its lock, so that another thread can use the other direction.
#pragma once

#include <cstddef>

#include "base/fd.h"
#include "vchan/inbound.h"
#include "vchan/mutex.h"
#include "vchan/outbound.h"
#include "vchan/place.h"
#include "vchan/sleeper.h"
#include "vchan/wire.h"

namespace xc::vchan {

enum class State : unsigned char { disconnected, connected, waiting };  ///< numbers of the API

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel();

  // Each of these once, and first; false: the handle is of no use, and standard error was told why.
  [[nodiscard]] bool serve(int domain, int port, std::size_t read_least, std::size_t write_least);
  [[nodiscard]] bool reach(int domain, int port);
  [[nodiscard]] bool begin_to_reach(int domain, int port, int& watch);

  /// 0: connected; 1: not yet; -1: never.
  int finish_to_reach(bool blocking);
  void set_blocking(bool blocking);
  long write(const char* bytes, std::size_t size);
  long send(const char* bytes, std::size_t size);
  long read(char* bytes, std::size_t size);
  long receive(char* bytes, std::size_t size);
  int wait();
  int descriptor();
  State state();
  std::size_t data_ready();
  std::size_t buffer_space();

 private:
  [[nodiscard]] bool set_up(const Terms& terms, std::size_t read_size, std::size_t write_size);
  [[nodiscard]] bool listen();
  // With the lock held.
  void progress();
  void connected(Fd socket);
  void start_over();
  [[nodiscard]] State look();
  [[nodiscard]] std::size_t arrived();
  void nudge();
  void watch_socket(bool room);
  void want_room();
  void expect_data(std::size_t seen);
  void carry();
  long end_of_reading();
  [[nodiscard]] bool wake_everybody();
  /// Open while the caller sleeps, who finds the peer's descriptors and memory as they were.
  class Asleep;
  // With the lock held, which is open while they sleep.
  long take(char* bytes, std::size_t size);
  void sleep_for_peer();
  void sleep_for_data();
  void sleep_for_room();
  long write_some(const char* bytes, std::size_t size, bool may_wait);
  [[nodiscard]] bool fits(std::size_t size);

  static void* run_courier(void* channel);
  void stop_courier();
  void linger();

  Mutex lock_;
  unsigned asleep_ = 0;  ///< threads that use this peer's descriptors and memory without the lock
  unsigned peers_ = 0;   ///< that have left
  Mutex reading_;        ///< one read or recv at a time
  Mutex writing_;
  Path path_;
  bool server_ = false;
  bool reconnect_ = false;
  bool shared_ = false;
  bool blocking_ = true;
  State state_ = State::waiting;
  Listener listener_;
  Fd socket_;
  Fd timer_;  ///< of a client that does not wait
  Inbound in_;
  Outbound out_;
  std::size_t promised_ = 0;  ///< what buffer_space() said, less what was written since

  Vigil vigil_;
  bool spoke_ = false;   ///< since we last heard the peer: an answer may be on its way
  Sleeper events_;       ///< for the caller's poll
  Fd nudge_;             ///< an event of our own making
  bool asked_ = false;   ///< the caller looks at events at all
  bool nudged_ = false;  ///< since the last wait()
  bool room_watched_ = false;
  bool bells_watched_[2] = {};

  pthread_t courier_{};  ///< delivers what was kept while the caller is elsewhere
  bool courier_started_ = false;
  bool courier_runs_ = false;
  bool courier_stops_ = false;
  Fd courier_bell_;
};

class Channel::Asleep {
 public:
  explicit Asleep(Channel& channel) : channel_(channel) {
    ++channel_.asleep_;
    channel_.lock_.unlock();
  }
  ~Asleep() {
    channel_.lock_.lock();
    --channel_.asleep_;
  }
  Asleep(const Asleep&) = delete;
  Asleep& operator=(const Asleep&) = delete;

 private:
  Channel& channel_;
};

}  // namespace xc::vchan
