// A vchan has one client at a time, and its client is connected before its server is: libvchan_client_init() waits for
// the server, so a client that comes early is kept, and the provider is asked again and again. Runs in the monitor.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "shim/admission.h"
#include "shim/post.h"
#include "shim/worker.h"
#include "sys/unix_message.h"

namespace xc::shim {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds until_server_is_there{50};
constexpr milliseconds until_client_has_left{100};

/// A client that gave up and said nothing must not use up the one connection of its server.
bool has_given_up(const Fd& client) {
  pollfd line{client.get(), POLLRDHUP, 0};
  int said = 0;
  return ::poll(&line, 1, 0) == 1 && ::ioctl(client.get(), FIONREAD, &said) == 0 && said == 0;
}

}  // namespace

std::optional<milliseconds> Post::serve_vchan(Clock::time_point now) {
  if (!listener_) {
    early_.reset();
    return std::nullopt;
  }
  if (now < not_before_) return std::chrono::ceil<milliseconds>(not_before_ - now);
  if (early_ && has_given_up(early_)) early_.reset();
  if (saturated()) return until_client_has_left;
  if (!early_) {
    const auto pause = accept_early();
    if (!early_) return pause;
  }
  Door::Opened opened = door_.open();
  reason_ = std::move(opened.reason);
  if (opened.busy || opened.upstream == mediate::Upstream::absent) return until_server_is_there;
  Fd client = std::move(early_);
  if (!opened.server) {
    ++turned_away_;
    refused_ += opened.upstream == mediate::Upstream::denied ? 1 : 0;
    return std::nullopt;
  }
  if (most_descriptors(door_.effective()) == 0) (void)sys::refuse_descriptors(client.get());
  const Handover handover{opened.upstream, std::move(client), std::move(opened.server)};
  if (auto outcome = hand_over(handover, now); !outcome) turn_away(outcome.error().text);
  return std::nullopt;
}

}  // namespace xc::shim
