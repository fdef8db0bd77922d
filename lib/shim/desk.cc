#include "shim/desk.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/pack.h"
#include "sys/unix_message.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

constexpr std::size_t most_callers = 8;  // whoever comes then takes the place of the oldest

Reply reply_of(const Result<>& outcome) {
  if (outcome) return {};
  return {static_cast<std::int32_t>(outcome.error().kind), outcome.error().text.substr(0, 2048)};
}

}  // namespace

Desk::Desk(Fd listener, sys::Poller& poller, std::uint64_t token)
    : listener_(std::move(listener)), poller_(poller), token_(token) {}

Result<> Desk::open() {
  if (!listener_) return {};
  return poller_.add(listener_.get(), EPOLLIN, token_);
}

void Desk::serve(const Obey& obey) {
  let_in();
  std::erase_if(callers_, [&](const Fd& caller) {
    if (hear(caller, obey)) return false;
    poller_.remove(caller.get());
    return true;
  });
}

void Desk::let_in() {
  Fd caller{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!caller) return;
  const auto who = sys::peer_credentials(caller.get());
  if (!who || who->uid != ::geteuid()) return;
  if (callers_.size() == most_callers) {
    poller_.remove(callers_.front().get());
    callers_.erase(callers_.begin());
  }
  if (poller_.add(caller.get(), EPOLLIN, token_)) callers_.push_back(std::move(caller));
}

bool Desk::hear(const Fd& caller, const Obey& obey) {
  std::string room(largest_order, '\0');
  auto received = sys::receive_message(caller.get(), room, descriptors_of_an_order);
  if (received && !*received) return true;  // has not spoken yet
  if (!received || (*received)->size == 0) return false;
  auto order = unpack<Order>(std::string_view(room).substr(0, (*received)->size));
  const auto outcome = order ? obey(*order, (*received)->descriptors) : Result<>(std::unexpected(order.error()));
  (void)sys::send_message(caller.get(), pack(reply_of(outcome)), {});  // it has room, or the caller has left
  return false;
}

}  // namespace xc::shim
