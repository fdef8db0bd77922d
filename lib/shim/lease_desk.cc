#include "shim/lease_desk.h"

#include <sys/socket.h>

#include <utility>

#include "base/json_out.h"
#include "shim/lessor.h"
#include "shim/observer.h"
#include "sys/log.h"
#include "sys/unix_message.h"
#include "sys/unix_socket.h"

namespace xc::shim {

void LeaseDesk::serve() {
  const Fd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!client) return;
  const auto done = hand_out(client);
  ++(done ? served_ : refused_);
  const std::string reason = done ? "" : done.error().text;
  if (!reason.empty() && reason != reason_) log::warning(link_.service + ": " + reason);
  reason_ = reason;
  if (readers_.empty()) return;
  model::Event event;
  event.event = done ? "leased" : "lease-refused";
  event.from = "client";
  event.verdict = done ? "passed" : "refused";
  if (const auto peer = sys::peer_credentials(client.get()); peer && peer->pid > 0)
    event.pid = static_cast<std::uint64_t>(peer->pid);
  if (done) event.connector = lease_->connector;
  if (!done) event.refused = reason;
  tell(event);
}

/// Who has left is forgotten by the monitor, which is told so.
void LeaseDesk::tell(const model::Event& event) {
  const std::string line = to_json(event);
  for (Reader& one : readers_) (void)tell_reader(one.socket, line, one.lost);
}

void LeaseDesk::forget(int socket) {
  std::erase_if(readers_, [&](const Reader& one) { return one.socket == socket; });
}

Result<> LeaseDesk::make_lease() {
  if (state_ == nullptr || !link_.device) return fail(Kind::internal, "a lease without a container");
  if (!card_) card_ = XC_TRY(open_shared_card(*state_, key_, *link_.device));
  lease_ = XC_TRY(sys::lease_connector(card_, link_.device->connector.value_or("")));
  return {};
}

Result<> LeaseDesk::hand_out(const Fd& client) {
  if (!lease_) XC_CHECK(make_lease());
  const std::string line = lease_->connector + "\n";
  const int descriptor = lease_->fd.get();
  const auto sent = XC_TRY(sys::send_message(client.get(), line, {&descriptor, 1}));
  if (sent && *sent == line.size()) return {};
  return fail(Kind::again, "the client takes no byte");
}

void LeaseDesk::end(std::string_view why) {
  if (!lease_) return;
  sys::revoke_lease(card_, lease_->id);
  model::Event event;
  event.event = "lease-ended";
  event.connector = lease_->connector;
  event.reason = why;
  lease_.reset();
  if (!readers_.empty()) tell(event);
}

PostStatus LeaseDesk::status() const {
  PostStatus status = status_of(link_);
  status.reason = reason_;
  status.connections = served_;
  status.refusals = refused_;
  if (lease_) status.last_reasons.push_back("leases " + lease_->connector);
  return status;
}

}  // namespace xc::shim
