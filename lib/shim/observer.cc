#include "shim/observer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/escape.h"
#include "base/json_out.h"
#include "base/text.h"

namespace xc::shim {
namespace {

/// 0, or the errno with which the line was lost.
int say(int socket, std::string_view line) {
  iovec vector{const_cast<char*>(line.data()), line.size()};
  msghdr message{};  // sendmsg(2) and not send(3), which the worker's filter does not know
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  return ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ? 0 : errno;
}

constexpr std::size_t most_shown = 16UL * 1024;  // of what came at once

}  // namespace

bool tell_reader(int socket, std::string_view line, std::uint64_t& lost) {
  if (lost > 0 && say(socket, "{\"event\":\"lost\",\"lines\":" + text::number(lost) + '}') == 0) lost = 0;
  const int failed = say(socket, line);
  if (failed != 0) ++lost;
  return failed != EPIPE && failed != ECONNRESET;
}

void report_bytes(mediate::Observer& observer, std::string_view from, std::string_view bytes, std::size_t size,
                  std::size_t descriptors) {
  size = std::max(size, bytes.size());
  std::string line =
      "{\"event\":\"bytes\",\"from\":" + json_string(from) + ",\"bytes\":" + text::number(std::uint64_t{size});
  if (descriptors > 0) line += ",\"descriptors\":" + text::number(std::uint64_t{descriptors});
  if (observer.wants_payload() && !bytes.empty()) {
    if (size > most_shown) line += ",\"whole\":" + text::number(std::uint64_t{size});
    line += ",\"payload\":\"" + text::hex(bytes.substr(0, most_shown)) + '"';
  }
  observer.on_event(line + '}');
}

void report_connection(mediate::Observer& observer, std::string_view event, std::string_view reason) {
  std::string line = "{\"event\":" + json_string(event);
  if (!reason.empty()) line += ",\"reason\":" + json_string(reason);
  observer.on_event(line + '}');
}

void SocketObserver::listen(Fd socket, bool payload) {
  if (listeners_.size() == most) listeners_.erase(listeners_.begin());
  listeners_.push_back({std::move(socket), payload});
  learn_who_is_left();
}

void SocketObserver::learn_who_is_left() {
  std::erase_if(listeners_, [](const Listener& one) { return !one.socket; });
  listening_ = !listeners_.empty();
  payload_ = std::ranges::any_of(listeners_, &Listener::payload);
}

void SocketObserver::on_event(std::string_view line) {
  bool left = false;
  for (Listener& one : listeners_) {
    if (tell_reader(one.socket.get(), line, one.lost)) continue;
    one.socket.reset();
    left = true;
  }
  if (left) learn_who_is_left();
}

std::uint64_t SocketObserver::now() const {
  const auto since = now_.time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

}  // namespace xc::shim
