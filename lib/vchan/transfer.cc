// Reading and writing, and what a thread sleeps on meanwhile. See channel.h.
#include <poll.h>

#include <algorithm>
#include <climits>

#include "vchan/channel.h"

namespace xc::vchan {
namespace {

constexpr int look_for_server = 20;  // milliseconds

}  // namespace

void Channel::sleep_for_peer() {
  const int listener = listener_.socket.get();
  const Asleep asleep(*this);
  sleep_until(listener, POLLIN, server_ ? -1 : look_for_server);
}

void Channel::sleep_for_data() {
  if (in_.in_ring() && vigil_.worthwhile()) {
    const auto what = spoke_ ? Vigil::For::answer : Vigil::For::flow;
    bool seen = false;
    {
      const Asleep asleep(*this);
      seen = Vigil::look([this] { return in_.stirred(); }, what);
    }
    vigil_.learn(seen);
    if (seen) return;
  }
  if (!in_.ask()) return;
  const int set = in_.sleeper().descriptor().get();
  const int socket = socket_.get();
  const bool joined = in_.joined();
  std::uint32_t events = 0;
  {
    const Asleep asleep(*this);
    if (joined)
      events = sleep_on(set, -1);
    else
      sleep_until(socket, POLLIN, -1);
  }
  in_.woken(events);
}

void Channel::sleep_for_room() {
  if (!out_.ask()) return;
  const int set = out_.sleeper().descriptor().get();
  const int socket = socket_.get();
  const bool in_ring = out_.in_ring();
  const Asleep asleep(*this);
  if (in_ring)
    (void)sleep_on(set, -1);
  else
    sleep_until(socket, POLLOUT, -1);
}

long Channel::take(char* bytes, std::size_t size) {
  ++asleep_;
  const long got = in_.get(socket_, bytes, size, blocking_ ? &lock_ : nullptr);
  --asleep_;
  return got;
}

/// -1 for the last reader of this peer; the next may have another.
long Channel::end_of_reading() {
  if (reconnect_ && state_ == State::connected && wake_everybody()) start_over();
  return -1;
}

long Channel::read(char* bytes, std::size_t size) {
  const Locked alone(reading_);
  const Locked locked(lock_);
  for (;;) {
    progress();
    if (state_ == State::disconnected) return -1;
    if (state_ == State::waiting) {
      if (!blocking_) return 0;
      sleep_for_peer();
      continue;
    }
    long got = 0;
    if (size > 0) got = take(bytes, std::min(size, in_.size()));
    if (got < 0) return end_of_reading();
    if (got > 0) spoke_ = false;
    if (got > 0 || !blocking_ || (size == 0 && arrived() > 0)) {
      expect_data(0);
      return got;
    }
    if (size == 0 && look() != State::connected) return -1;
    sleep_for_data();
  }
}

long Channel::receive(char* bytes, std::size_t size) {
  const Locked alone(reading_);
  const Locked locked(lock_);
  std::size_t done = 0;
  if (!blocking_ && size > in_.size()) return -1;
  while (done < size) {
    progress();
    if (state_ == State::disconnected) return -1;
    if (state_ == State::waiting) {
      if (!blocking_) return 0;
      sleep_for_peer();
      continue;
    }
    if (!blocking_ && done == 0 && arrived() < size) {
      const bool more = look() == State::connected && look_at(socket_) == Line::open;
      const std::size_t ready = arrived();
      if (more) expect_data(ready);
      if (ready < size) return more ? 0 : -1;
    }
    const long got = take(bytes + done, size - done);
    if (got > 0) {
      done += static_cast<std::size_t>(got);
      spoke_ = false;
    }
    if (got == 0) sleep_for_data();
    if (got >= 0) continue;
    if (done > 0) (void)in_.put_back(bytes, done);
    return done > 0 || arrived() > 0 ? -1 : end_of_reading();
  }
  expect_data(0);
  return static_cast<long>(size);
}

bool Channel::fits(std::size_t size) {
  return size <= out_.space();
}

/// What goes at once; in blocking mode what buffer_space() promised goes without waiting, and the rest may wait.
long Channel::write_some(const char* bytes, std::size_t size, bool may_wait) {
  for (;;) {
    progress();
    if (state_ == State::disconnected) return -1;
    const std::size_t least = std::min({size, may_wait ? promised_ : size, out_.space()});
    long taken = 0;
    if (state_ == State::waiting)
      taken = static_cast<long>(out_.keep(bytes, size));
    else
      taken = out_.give(socket_, bytes, size, least);
    if (taken < 0) return -1;
    promised_ -= std::min(promised_, static_cast<std::size_t>(taken));
    spoke_ = spoke_ || taken > 0;
    if (out_.kept() > 0) carry();
    if (static_cast<std::size_t>(taken) < size && !may_wait) want_room();
    if (taken > 0 || !may_wait) return taken;
    if (state_ == State::waiting)
      sleep_for_peer();
    else
      sleep_for_room();
  }
}

long Channel::write(const char* bytes, std::size_t size) {
  if (size == 0) return 0;
  const Locked alone(writing_);
  const Locked locked(lock_);
  return write_some(bytes, std::min<std::size_t>(size, INT_MAX), blocking_);
}

long Channel::send(const char* bytes, std::size_t size) {
  if (size == 0) return 0;
  const Locked alone(writing_);
  const Locked locked(lock_);
  if (!blocking_) {
    if (size > out_.size()) return -1;
    progress();
    if (state_ != State::disconnected && !fits(size)) {
      want_room();
      return 0;
    }
  }
  std::size_t done = 0;
  while (done < size) {
    const long taken = write_some(bytes + done, size - done, blocking_);
    if (taken < 0) return -1;
    done += static_cast<std::size_t>(taken);
    if (taken == 0) return -1;  // it would have fitted: there is no memory to keep it
  }
  return static_cast<long>(size);
}

}  // namespace xc::vchan
