#include "shim/session.h"

#include "shim/observer.h"

namespace xc::shim {
namespace {

constexpr std::chrono::seconds longest_farewell{2};
constexpr std::chrono::milliseconds before_a_retry{2};

}  // namespace

Session::Session(Fd client_socket, Fd server_socket, std::unique_ptr<mediate::Mediator> mediator,
                 mediate::Observer* observer)
    : client(std::move(client_socket), true),
      server(std::move(server_socket), false),  // a client speaks first in every protocol that has a mediator
      mediator_(std::move(mediator)),
      observer_(observer) {}

Result<> Session::receive(Endpoint& end, std::string_view who) {
  const bool shown = observer_ != nullptr && observer_->listening() && observer_->wants_payload();
  const std::size_t before = end.in.data().size();
  XC_CHECK(end.receive());
  if (shown && end.in.data().size() > before) report_bytes(*observer_, who, end.in.data().substr(before));
  return {};
}

Result<> Session::pump(Clock::time_point now) {
  XC_CHECK(receive(client, "client"));
  if (lingering_) {
    client.in.consume(client.in.data().size());
    return {};
  }
  XC_CHECK(receive(server, "provider"));
  const std::uint64_t before = client.out.position() + server.out.position();
  XC_CHECK(mediator_->advance(wire()));
  XC_CHECK(flush());
  renew_deadline(now, client.out.position() + server.out.position() != before);
  if (has_said_all()) linger(now);
  const bool stuck = client.must_retry() || server.must_retry();
  if (!stuck || !retry_at_) retry_at_ = stuck ? std::optional(now + before_a_retry) : std::nullopt;
  return {};
}

Result<> Session::retry(Clock::time_point now) {
  retry_at_.reset();
  client.try_again();
  server.try_again();
  return pump(now);
}

/// Our last word is sent and the client still writes: closing now would make its next write fail, and many a client
/// then never reads why. It is listened to a little longer, for nothing.
void Session::linger(Clock::time_point now) {
  if (client.in.ended() || client.deaf()) return;
  lingering_ = true;
  client.in.consume(client.in.data().size());
  (void)server.stop_receiving();
  deadline_ = now + longest_farewell;
}

Result<> Session::expire(Clock::time_point now) {
  if (retry_at_) XC_CHECK(retry(now));
  if (!deadline_ || *deadline_ > now) return {};
  deadline_.reset();
  given_up_ = lingering_;
  if (lingering_) return {};
  XC_CHECK(mediator_->expire(wire()));
  XC_CHECK(flush());
  renew_deadline(now, true);
  if (has_said_all()) linger(now);
  return {};
}

/// Sends what the mediator wrote, and lets it go on while that made room. Ends because every round moves bytes out of
/// bounded buffers that nobody refills here.
Result<> Session::flush() {
  for (;;) {
    const bool to_server = XC_TRY(server.send());
    const bool to_client = XC_TRY(client.send());
    // A peer that reads no more makes the other side's words pointless: its writes fail as they would directly.
    bool silenced = client.deaf() && server.stop_receiving();
    silenced = (server.deaf() && !mediator_->hears_out() && client.stop_receiving()) || silenced;
    const bool waiting = silenced || !client.in.empty() || !server.in.empty() || mediator_->holds_back();
    if (!waiting || !(to_server || to_client || silenced)) break;
    XC_CHECK(mediator_->advance(wire()));
  }
  for (auto* stream : {&client.in, &client.out, &server.in, &server.out}) stream->rest();
  return {};
}

/// The clock starts anew when bytes left for either side, or when the mediator's patience changed: a peer that trickles
/// bytes of one message head gains no time by it.
void Session::renew_deadline(Clock::time_point now, bool progress) {
  const auto patience = mediator_->patience();
  if (!progress && patience == patience_) return;
  patience_ = patience;
  deadline_.reset();
  if (patience) deadline_ = now + *patience;
}

}  // namespace xc::shim
