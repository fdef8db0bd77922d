// States of a channel, and its events. See channel.h.
#include "vchan/channel.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace xc::vchan {
namespace {

constexpr int try_again = 20;  // milliseconds, for a client whose server is not there

Fd make_timer() {
  constexpr itimerspec soon{{0, 20'000'000}, {0, 1}};  // at once, then every 20 ms
  Fd timer{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  if (timer && ::timerfd_settime(timer.get(), 0, &soon, nullptr) != 0) timer.reset();
  return timer;
}

}  // namespace

bool Channel::set_up(const Terms& terms, std::size_t read_size, std::size_t write_size) {
  nudge_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  courier_bell_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!nudge_ || !courier_bell_ || !events_.open() || !events_.add(nudge_, EPOLLIN)) {
    complain(path_.text, "no descriptor is to be had");
    return false;
  }
  if (read_size == 0 || write_size == 0) {
    complain(path_.text, "a ring of more than 1 GiB is asked for");
    return false;
  }
  reconnect_ = server_ && terms.reconnect;
  shared_ = terms.shared;
  in_.set_up(read_size, shared_);
  out_.set_up(write_size, shared_);
  return true;
}

bool Channel::serve(int domain, int port, std::size_t read_least, std::size_t write_least) {
  const Terms terms = terms_of_environment();
  server_ = true;
  if (!make_path(terms.domain, domain, port, path_)) return false;
  const auto size = [&](std::size_t least) { return ring_size(std::max(least, terms.ring)); };
  return set_up(terms, size(read_least), size(write_least)) && listen();
}

bool Channel::listen() {
  listener_ = {};
  return listen_at(path_, listener_) && events_.add(listener_.socket, EPOLLIN);
}

bool Channel::begin_to_reach(int domain, int port, int& watch) {
  const Terms terms = terms_of_environment();
  if (!make_path(domain, terms.domain, port, path_)) return false;
  if (!set_up(terms, ring_size(terms.ring), ring_size(terms.ring))) return false;
  timer_ = make_timer();
  watch = timer_.get();
  progress();
  return timer_ && state_ != State::disconnected;
}

bool Channel::reach(int domain, int port) {
  int watch = -1;
  if (!begin_to_reach(domain, port, watch)) return false;
  while (state_ == State::waiting) {
    sleep_until(-1, 0, try_again);
    progress();
  }
  timer_.reset();
  return state_ == State::connected;
}

int Channel::finish_to_reach(bool blocking) {
  const Locked locked(lock_);
  eventfd_t ticks = 0;
  if (timer_) (void)::eventfd_read(timer_.get(), &ticks);  // no tick yet is no harm
  progress();
  if (state_ == State::waiting) return 1;
  timer_.reset();
  blocking_ = blocking;
  return state_ == State::connected ? 0 : -1;
}

void Channel::set_blocking(bool blocking) {
  const Locked locked(lock_);
  blocking_ = blocking;
}

/// What can happen without waiting, happens.
void Channel::progress() {
  if (state_ == State::waiting && server_) {
    if (Fd client = accept_client(listener_)) connected(std::move(client));
  } else if (state_ == State::waiting) {
    Fd socket;
    const Reach reach = connect_to(path_, socket);
    if (reach == Reach::reached) connected(std::move(socket));
    if (reach == Reach::never) state_ = State::disconnected;
  }
  if (state_ == State::connected && out_.kept() > 0) (void)out_.flush(socket_);
}

void Channel::connected(Fd socket) {
  events_.remove(listener_.socket);
  if (server_) end_listener(path_, listener_);
  socket_ = std::move(socket);
  state_ = State::connected;
  room_watched_ = false;
  bells_watched_[0] = bells_watched_[1] = false;
  (void)events_.add(socket_, EPOLLIN | EPOLLRDHUP);
  nudge();
}

/// Whoever sleeps for a peer that has left sees that it has. False: somebody has started over meanwhile.
bool Channel::wake_everybody() {
  const unsigned peer = peers_;
  (void)::shutdown(socket_.get(), SHUT_RDWR);  // of half a close no writer hears
  while (asleep_ > 0 && peers_ == peer) {
    const Unlocked unlocked(lock_);
    sleep_until(-1, 0, 1);
  }
  return peers_ == peer;
}

/// The client has left, everything was read, and nobody sleeps for it: the next one may come.
void Channel::start_over() {
  ++peers_;
  events_.remove(socket_);
  for (const Fd* bell : {&in_.bell(), &out_.bell()}) events_.remove(*bell);
  in_.leave();
  out_.finish();
  socket_.reset();
  in_.set_up(in_.size(), shared_);
  out_.set_up(out_.size(), shared_);
  promised_ = 0;
  state_ = listen() ? State::waiting : State::disconnected;
  nudge();
}

/// As long as more lies in the socket than the ring would hold the peer counts as there.
State Channel::look() {
  progress();
  if (state_ != State::connected) return state_;
  const Line line = look_at(socket_);
  const bool left = line == Line::closed || (in_.in_ring() && line != Line::open) || in_.broken();
  if (!left || arrived() > in_.size()) return State::connected;
  if (!reconnect_ || arrived() > 0) return State::disconnected;
  if (!wake_everybody()) return state_;
  if (arrived() > 0) return State::disconnected;  // what a reader had in its hands is back
  start_over();
  return state_;
}

State Channel::state() {
  const Locked locked(lock_);
  return look();
}

std::size_t Channel::arrived() {
  return state_ == State::connected ? in_.available(socket_) : 0;
}

/// Makes the caller's descriptor readable.
void Channel::nudge() {
  if (!asked_ || std::exchange(nudged_, true)) return;
  (void)::eventfd_write(nudge_.get(), 1);  // ours alone: never full
}

void Channel::watch_socket(bool room) {
  if (room) {
    events_.change(socket_, EPOLLIN | EPOLLRDHUP | EPOLLOUT);
  } else if (room_watched_) {
    events_.change(socket_, EPOLLIN | EPOLLRDHUP);
  }
  room_watched_ = room;
}

/// An event when there is more room.
void Channel::want_room() {
  if (!asked_ || state_ != State::connected) return;
  if (!out_.in_ring()) {
    watch_socket(true);
    return;
  }
  if (!std::exchange(bells_watched_[1], true)) (void)events_.add(out_.bell(), EPOLLIN);
  if (!out_.ask()) nudge();
}

/// An event when there is more data than was `seen`: that may be now.
void Channel::expect_data(std::size_t seen) {
  if (!asked_ || state_ != State::connected) return;
  if (in_.joined() && !std::exchange(bells_watched_[0], true)) (void)events_.add(in_.bell(), EPOLLIN);
  (void)in_.ask();
  if (arrived() > seen || look_at(socket_) != Line::open) nudge();
}

int Channel::descriptor() {
  const Locked locked(lock_);
  if (!std::exchange(asked_, true)) expect_data(0);
  return events_.descriptor().get();
}

std::size_t Channel::data_ready() {
  const Locked locked(lock_);
  progress();
  if (in_.joined()) {
    if (!std::exchange(bells_watched_[0], true)) (void)events_.add(in_.bell(), EPOLLIN);
    (void)in_.ask();
  }
  return std::min(arrived(), in_.size());
}

std::size_t Channel::buffer_space() {
  const Locked locked(lock_);
  progress();
  promised_ = out_.space();
  if (promised_ < out_.size()) {
    asked_ = true;
    want_room();
  }
  return promised_;
}

int Channel::wait() {
  const Locked locked(lock_);
  const bool first = !std::exchange(asked_, true);
  const bool before = state_ == State::waiting;
  if (first) {
    expect_data(0);
    if (arrived() > 0) return 0;
  }
  for (;;) {
    progress();
    const bool over = state_ == State::disconnected || (state_ == State::connected && look() != State::connected);
    const bool polled = over || !blocking_ || (before && state_ == State::connected);
    if (!polled && in_.joined() && arrived() == 0) expect_data(0);
    const int set = events_.descriptor().get();
    std::uint32_t edges = 0;
    {
      const Unlocked unlocked(lock_);
      edges = sleep_on(set, polled ? 0 : server_ || !before ? -1 : try_again);
    }
    nudged_ = false;
    progress();
    if (out_.kept() == 0 && room_watched_) watch_socket(false);
    if (edges != 0 || (before && state_ != State::waiting)) return 0;
    if (over) return -1;
    if (!blocking_) return 0;
  }
}

}  // namespace xc::vchan
