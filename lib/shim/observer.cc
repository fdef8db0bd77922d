#include "shim/observer.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "base/text.h"

namespace xc::shim {

void SocketObserver::on_event(std::string_view line) {
  if (!socket_) return;
  if (lost_ > 0 && say("{\"event\":\"lost\",\"lines\":" + text::number(lost_) + '}')) lost_ = 0;
  if (!say(line)) ++lost_;
}

bool SocketObserver::say(std::string_view line) {
  iovec vector{const_cast<char*>(line.data()), line.size()};
  msghdr message{};  // sendmsg(2) and not send(3), which the worker's filter does not know
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
  if (errno == EPIPE || errno == ECONNRESET) socket_.reset();  // it left; connections that began under it say nothing
  return false;
}

std::uint64_t SocketObserver::now() const {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

}  // namespace xc::shim
