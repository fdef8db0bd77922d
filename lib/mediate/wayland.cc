// Mediator for `wayland` links: every message is read both ways against the table, globals are shown by role, and what
// is refused is refused as a compositor would. Runs in the worker; sees bytes, never a socket. Must never pass a byte
// that it has not understood.
#include <algorithm>

#include "base/text.h"
#include "mediate/mediator.h"
#include "mediate/wl_core.h"
#include "mediate/wl_event.h"
#include "mediate/wl_flow.h"

namespace xc::mediate {
namespace wl {
namespace {

/// Events that may wait for a client that does not read, and for all clients of a worker together: beyond the first,
/// the compositor is read no further; beyond the second, a client has what a pipe would give it.
constexpr std::size_t most_waiting = 2UL * 1024 * 1024;
constexpr std::size_t most_waiting_together = 16UL * 1024 * 1024;
constexpr std::size_t always_waiting = 64UL * 1024;

constexpr std::chrono::seconds farewell_patience{2};  // for a client to read why it was refused
constexpr std::chrono::seconds closing_patience{10};  // for a compositor to let a client go that has left

class Wayland final : public Mediator {
 public:
  explicit Wayland(const Terms& terms) : terms_(terms), session_(terms.rights, terms.client), tally_(terms.tally) {}
  ~Wayland() override { waiting_together_ -= waiting_; }

  Result<> advance(Wire wire) override {
    wire.from_client.hold_at_most(Flow::most_queued);
    wire.from_server.hold_at_most(Flow::most_queued);
    const std::uint64_t sent = wire.to_server.end_position();
    const std::uint64_t given = wire.to_client.end_position();
    auto result = refused_ ? bid_farewell(wire) : mediate(wire);
    tally_.to_server += wire.to_server.end_position() - sent;
    tally_.to_client += wire.to_client.end_position() - given;
    tally_.descriptors += out_.descriptors() + in_.descriptors() - counted_;
    counted_ = out_.descriptors() + in_.descriptors();
    count_waiting(wire.to_client.data().size());
    return result;
  }

  std::optional<std::chrono::milliseconds> patience() const override {
    if (refused_) return farewell_patience;
    if (client_gone_) return closing_patience;
    return std::nullopt;
  }

  Result<> expire(Wire /*wire*/) override {
    if (refused_) return std::unexpected(*refused_);
    return fail(Kind::again, "the compositor keeps a client that has left");
  }

 private:
  Result<> mediate(Wire wire) {
    if (terms_.upstream != Upstream::connected) {
      const bool denied = terms_.upstream == Upstream::denied;
      refuse(wire, display_object, Fault::implementation,
             denied                                ? "this display is refused by policy"
             : terms_.upstream == Upstream::absent ? "nobody offers this display now"
                                                   : "this display could not be reached");
      return {};
    }
    move_requests(wire);
    if (!refused_) move_events(wire);
    if (refused_) return {};
    client_gone_ = wire.from_client.ended() && !requests_wait_;
    if (client_gone_) wire.to_server.end();
    if (wire.from_server.ended() && !events_wait_) {
      wire.to_client.end();
      wire.to_server.end();
    }
    return {};
  }

  void move_requests(Wire wire) {
    Stream& from = wire.from_client;
    Stream& to = wire.to_server;
    const std::size_t room = to.room();
    requests_wait_ = out_.congested(to, room);
    while (!requests_wait_) {
      const auto message = out_.next(from);
      if (!message) break;
      if (!message->sane) return refuse_message(wire, message->header);
      Verdict verdict = session_.judge_request(message->header, message->body, out_.waiting());
      look_at_memory(verdict, message->header);
      report(true, *message, verdict);
      if (verdict.act == Verdict::Act::deny) {
        out_.flush(from, to);
        return refuse(wire, verdict.object, verdict.fault, verdict.text);
      }
      out_.carry_out(verdict, message->header, from, to);
      ++tally_.messages;
      requests_wait_ = out_.congested(to, room);
    }
    out_.flush(from, to);
    if (!requests_wait_ && out_.waiting() > Flow::most_unclaimed)
      refuse(wire, display_object, Fault::invalid_method, "descriptors that no request claims");
  }

  /// A compositor maps what a pool is made of and reads there: a file that is too short, or that somebody serves page
  /// by page, would kill it or keep it waiting. One that the client shortens later gives it SIGBUS, which compositors
  /// expect (they end that client), and cannot be prevented here. So wl_shm_pool.resize is not looked at: a size that
  /// the file has not comes to the same, and to compare the two a descriptor of every pool would have to be kept for as
  /// long as the pool lives, out of those that the worker's connections share; a client makes pools as it likes.
  void look_at_memory(Verdict& verdict, const Header& header) const {
    if (verdict.memory == 0 || verdict.act == Verdict::Act::deny || terms_.memory_size == nullptr) return;
    if (terms_.memory_size(out_.front()).value_or(0) >= verdict.memory) return;
    verdict.act = Verdict::Act::deny;
    verdict.object = header.object;
    verdict.fault = invalid_fd;
    verdict.text = "the descriptor is not shared memory of " + text::number(verdict.memory) + " bytes";
  }

  void refuse_message(Wire wire, const Header& header) {
    out_.flush(wire.from_client, wire.to_server);
    refuse(wire, display_object, Fault::invalid_method,
           "invalid length " + text::number(header.size) + " of a request to object " + text::number(header.object));
  }

  void move_events(Wire wire) {
    Stream& from = wire.from_server;
    Stream& to = wire.to_client;
    const std::size_t room = room_for_events(to);
    events_wait_ = in_.congested(to, room);
    while (!events_wait_) {
      const auto message = in_.next(from);
      if (!message) break;
      const auto verdict = message->sane ? session_.judge_event(message->header, message->body, in_.waiting())
                                         : fail(Kind::policy, "Wayland event of an impossible length");
      if (!verdict) return give_up(wire, verdict.error());
      report(false, *message, *verdict);
      in_.carry_out(*verdict, message->header, from, to);
      events_wait_ = in_.congested(to, room);
    }
    in_.flush(from, to);
    if (!events_wait_ && in_.waiting() > Flow::most_unclaimed)
      give_up(wire, {Kind::policy, "Wayland: descriptors that no event claims"});
  }

  [[nodiscard]] std::size_t room_for_events(const Stream& to) const {
    const std::size_t used = to.data().size();
    const bool crowded = waiting_together_ >= most_waiting_together;
    const std::size_t most = crowded ? always_waiting : most_waiting;
    return used >= most ? 0 : most - used;
  }

  void count_waiting(std::size_t now) {
    waiting_together_ += now - waiting_;
    waiting_ = now;
  }

  /// The client is told what it did; nothing of it is read any more.
  void refuse(Wire wire, std::uint32_t object, Fault fault, const std::string& why) {
    ++tally_.refusals;
    wire.to_client.append(write_error(object, fault, why));
    end(wire, {Kind::policy, "refused: " + text::printable(why)});
  }

  /// The compositor broke the protocol.
  void give_up(Wire wire, Error why) {
    in_.flush(wire.from_server, wire.to_client);
    wire.to_client.append(write_error(display_object, Fault::implementation, "the compositor broke the protocol"));
    end(wire, std::move(why));
  }

  void end(Wire wire, Error why) {
    wire.to_client.end();
    refused_ = std::move(why);
    out_.discard(wire.from_client);
    in_.discard(wire.from_server);
  }

  /// Until the client has read its error and left; then the log learns why.
  Result<> bid_farewell(Wire wire) {
    out_.discard(wire.from_client);
    in_.discard(wire.from_server);
    if (wire.from_client.ended()) return std::unexpected(*refused_);
    return {};
  }

  void report(bool request, const Flow::Message& message, const Verdict& verdict) {
    if (terms_.listener() == nullptr) return;
    const Object* object = session_.object(message.header.object);
    terms_.observer->on_event(describe_event(terms_, {request, message.header, message.body, object}, verdict));
  }

  static inline std::size_t waiting_together_ = 0;  ///< bytes of events, of all connections of this worker

  const Terms terms_;
  Session session_;
  Flow out_;
  Flow in_;
  Tally& tally_;
  std::optional<Error> refused_;
  bool client_gone_ = false;
  bool requests_wait_ = false;
  bool events_wait_ = false;
  std::size_t waiting_ = 0;
  std::uint64_t counted_ = 0;
};

}  // namespace
}  // namespace wl

std::unique_ptr<Mediator> make_wayland(const Terms& terms) {
  return std::make_unique<wl::Wayland>(terms);
}

}  // namespace xc::mediate
