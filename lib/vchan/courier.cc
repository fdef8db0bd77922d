// A thread for the one thing that cannot be done in the caller's: delivering what was accepted while there was no peer,
// or while it did not read, to a program that makes no further call. It exists only then. See channel.h.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

#include "vchan/channel.h"

namespace xc::vchan {
namespace {

constexpr std::size_t stack = 64UL * 1024;
constexpr int patience_at_close = 1000;  // milliseconds
constexpr int larger_buffer = 1 << 22;
constexpr int look_for_server = 20;

std::int64_t now_in_milliseconds() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

}  // namespace

/// Without a thread, the next call delivers.
void Channel::carry() {
  if (courier_runs_) return;
  if (courier_started_) (void)::pthread_join(courier_, nullptr);  // it has let go of the lock for good
  courier_started_ = false;
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return;
  (void)::pthread_attr_setstacksize(&attributes, stack);
  sigset_t all;
  sigset_t before;
  (void)::sigfillset(&all);
  (void)::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the program's own business
  courier_runs_ = courier_started_ = ::pthread_create(&courier_, &attributes, run_courier, this) == 0;
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  (void)::pthread_attr_destroy(&attributes);
}

void* Channel::run_courier(void* channel) {
  auto& self = *static_cast<Channel*>(channel);
  const Locked locked(self.lock_);
  while (!self.courier_stops_ && self.out_.kept() > 0 && !self.out_.gone() && self.state_ != State::disconnected) {
    const bool waits = self.state_ == State::waiting;
    pollfd either[2] = {
        {self.courier_bell_.get(), POLLIN, 0},
        {waits ? self.listener_.socket.get() : self.socket_.get(), static_cast<short>(waits ? POLLIN : POLLOUT), 0}};
    {
      const Asleep asleep(self);
      (void)::poll(either, either[1].fd < 0 ? 1 : 2, either[1].fd < 0 ? look_for_server : -1);
    }
    self.progress();
  }
  self.courier_runs_ = false;
  return nullptr;
}

void Channel::stop_courier() {
  {
    const Locked locked(lock_);
    courier_stops_ = true;
    if (courier_bell_) (void)::eventfd_write(courier_bell_.get(), 1);
  }
  if (courier_started_) (void)::pthread_join(courier_, nullptr);
}

/// What was accepted is to arrive, so the kernel is made to take it: the peer can read it when we are gone.
void Channel::linger() {
  if (state_ != State::connected) return;
  const std::int64_t end = now_in_milliseconds() + patience_at_close;
  if (out_.kept() > 0) {
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &larger_buffer, sizeof larger_buffer) != 0)
      (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &larger_buffer, sizeof larger_buffer);
  }
  while (out_.kept() > 0 && out_.flush(socket_) && out_.kept() > 0) {
    const std::int64_t left = end - now_in_milliseconds();
    if (left <= 0) break;
    sleep_until(socket_.get(), POLLOUT, static_cast<int>(left));
  }
}

Channel::~Channel() {
  stop_courier();
  linger();
  out_.finish();
  in_.leave();
  if (server_) end_listener(path_, listener_);
}

}  // namespace xc::vchan
