// Mediator for `dbus` links: the client's handshake and the bus's are two, every message is judged, and what is refused
// is answered here. Runs in the worker; sees bytes, never a socket.
#include <algorithm>

#include "mediate/dbus_auth.h"
#include "mediate/dbus_event.h"
#include "mediate/dbus_flow.h"
#include "mediate/dbus_session.h"
#include "mediate/mediator.h"

namespace xc::mediate {
namespace dbus {
namespace {

/// For the handshake and the Hello, as in the bus; and for a client that stops inside a message.
constexpr std::chrono::seconds greeting_patience{30};
constexpr std::chrono::seconds message_patience{60};
/// Bytes for the bus that may wait before it is read no further: answers of ours, for which there is always room.
constexpr std::size_t most_unread = Stream::default_capacity + Flow::max_late;

Result<Policy> effective_policy(const Terms& terms) {
  Policy::Layers layers;
  for (const model::Layer& layer : terms.rights.layers) {
    const bool silent = std::ranges::any_of(layer.any, [](const model::RoleRules& rules) { return !rules.dbus; });
    if (silent) continue;  // one alternative that says nothing about buses restricts nothing
    auto& alternatives = layers.emplace_back();
    for (const model::RoleRules& rules : layer.any) alternatives.push_back(*rules.dbus);
  }
  return Policy::parse(layers);
}

class Dbus final : public Mediator {
 public:
  Dbus(const Terms& terms, Policy policy)
      : terms_(terms), session_(std::move(policy), terms.tally), tally_(terms.tally) {}

  Result<> advance(Wire wire) override {
    for (Stream* from : {&wire.from_client, &wire.from_server}) from->hold_at_most(Flow::most_arrived);
    for (Stream* to : {&wire.to_client, &wire.to_server}) to->hold_at_most(Flow::most_leaving);
    const std::uint64_t sent = wire.to_server.end_position();
    const std::uint64_t given = wire.to_client.end_position();
    auto result = terms_.upstream == Upstream::connected ? mediate(wire) : turn_away(wire);
    tally_.to_server += wire.to_server.end_position() - sent;
    tally_.to_client += wire.to_client.end_position() - given;
    tally_.descriptors += out_.descriptors() + in_.descriptors() - counted_;
    counted_ = out_.descriptors() + in_.descriptors();
    return result;
  }

  std::optional<std::chrono::milliseconds> patience() const override {
    if (session_.state != Session::State::open) return greeting_patience;
    if (out_.inside() && out_.starved()) return message_patience;
    return std::nullopt;
  }

 private:
  Result<> mediate(Wire wire) {
    session_.now = terms_.now();
    XC_CHECK(log_in(wire));
    bool moved = true;
    while (moved) {
      const bool out = client_.done() && XC_TRY_IN("from the client", move_outbound(wire));
      const bool in = bus_.done() && XC_TRY_IN("from the bus", move_inbound(wire));
      moved = out || in;
    }
    const bool client_gone = wire.from_client.ended() && (!client_.done() || out_.starved());
    const bool bus_gone = wire.from_server.ended() && (!bus_.done() || in_.starved());
    if (client_gone || bus_gone) wire.to_server.end();
    if (bus_gone || (client_gone && !client_.done())) wire.to_client.end();
    return {};
  }

  Result<> log_in(Wire wire) {
    if (!bus_.started()) {
      bus_.start(wire.to_server);
      session_.start();
      wire.to_server.append(session_.take_questions());
    }
    XC_CHECK(bus_.read(wire.from_server));
    if (!client_.done()) XC_CHECK(client_.read(wire.from_client, wire.to_client, bus_));
    session_.passes_descriptors = client_.descriptors();
    return {};
  }

  Result<bool> move_outbound(Wire wire) {
    const bool blocked = in_.congested() || wire.to_client.room() == 0;  // a refusal would have no place
    const auto wanted = [this](const Header& header) { return shown(header, wanted_outbound(session_, header)); };
    const auto message = XC_TRY(out_.next(wire.from_client, wire.to_server, blocked, wanted));
    if (!message) return false;
    if (message->header.descriptors > 0 && !client_.descriptors())
      return fail(Kind::policy, "D-Bus message: descriptors that were not negotiated");
    const Verdict verdict = XC_TRY(judge_outbound(session_, *message));
    report(true, *message, verdict);
    XC_CHECK(carry_out(verdict, message->header, {out_, wire.from_client, wire.to_server, in_, wire.to_client}));
    out_.send(wire.to_server, session_.take_questions());
    return verdict.act != Verdict::Act::wait;
  }

  Result<bool> move_inbound(Wire wire) {
    const bool blocked = out_.congested() || wire.to_server.data().size() >= most_unread;
    const auto wanted = [this](const Header& header) { return shown(header, wanted_inbound(session_, header)); };
    const auto message = XC_TRY(in_.next(wire.from_server, wire.to_client, blocked, wanted));
    if (!message) return false;
    const Verdict verdict = XC_TRY(judge_inbound(session_, *message));
    report(false, *message, verdict);
    XC_CHECK(carry_out(verdict, message->header, {in_, wire.from_server, wire.to_client, out_, wire.to_server}));
    out_.send(wire.to_server, session_.take_questions());
    return true;
  }

  void report(bool outbound, const Message& message, const Verdict& verdict) const {
    if (verdict.act == Verdict::Act::wait) return;
    terms_.answered(verdict.began);
    if (outbound && !verdict.reason.empty()) terms_.refused(verdict.reason);
    if (terms_.listener() == nullptr) return;
    terms_.observer->on_event(describe_event(terms_, session_, outbound, message, verdict));
  }

  /// Bytes of the body that must be at hand: those a judge needs, and those somebody wants to see.
  std::size_t shown(const Header& header, std::size_t needed) const {
    const bool seen = terms_.listener() != nullptr && terms_.observer->wants_payload();
    return seen ? std::max(needed, std::min<std::size_t>(header.body_size, max_checked_body)) : needed;
  }

  /// A direction, and the one its answers take.
  struct Way {
    Flow& flow;
    Stream& from;
    Stream& to;
    Flow& back;
    Stream& answers;
  };

  static Result<> carry_out(const Verdict& verdict, const Header& header, Way way) {
    switch (verdict.act) {
      case Verdict::Act::wait: return {};
      case Verdict::Act::drop: return way.flow.replace(way.from, way.to, header, {});
      case Verdict::Act::replace: return way.flow.replace(way.from, way.to, header, verdict.bytes);
      case Verdict::Act::pass: return way.flow.pass(way.from, way.to, header, verdict.bytes);
      case Verdict::Act::answer:
        XC_CHECK(way.flow.replace(way.from, way.to, header, {}));
        way.back.send(way.answers, verdict.bytes);
        return {};
    }
    return {};
  }

  /// No bus: the client may log in, and is told why its first call fails.
  Result<> turn_away(Wire wire) {
    wire.to_server.end();
    XC_CHECK(client_.read(wire.from_client, wire.to_client, bus_));
    if (client_.done()) {
      const auto wanted = [](const Header&) { return std::size_t{0}; };
      const auto message = XC_TRY(out_.next(wire.from_client, wire.to_client, false, wanted));
      if (!message && !wire.from_client.ended()) return {};
      if (message && message->header.wants_reply()) wire.to_client.append(explain(message->header));
      ++tally_.refusals;
      wire.to_client.end();
    }
    if (wire.from_client.ended()) wire.to_client.end();
    return {};
  }

  std::string explain(const Header& call) {
    const bool denied = terms_.upstream == Upstream::denied;
    Header asked = call;
    asked.sender = {};
    return write_error(asked, session_.next_local_serial(),
                       denied ? access_denied : "org.freedesktop.DBus.Error.NoServer",
                       denied                                ? "this link is refused by policy"
                       : terms_.upstream == Upstream::absent ? "nobody offers this link's bus now"
                                                             : "this link's bus could not be reached",
                       true);
  }

  const Terms terms_;
  ClientLogin client_;
  BusLogin bus_;
  Flow out_;
  Flow in_;
  Session session_;
  Tally& tally_;
  std::uint64_t counted_ = 0;
};

/// A link whose rules cannot be understood carries nothing.
class Unusable final : public Mediator {
 public:
  explicit Unusable(Error error) : error_(std::move(error)) {}
  Result<> advance(Wire /*wire*/) override { return std::unexpected(error_); }

 private:
  Error error_;
};

}  // namespace
}  // namespace dbus

std::unique_ptr<Mediator> make_dbus(const Terms& terms) {
  auto policy = dbus::effective_policy(terms);
  if (!policy) return std::make_unique<dbus::Unusable>(std::move(policy).error());
  return std::make_unique<dbus::Dbus>(terms, std::move(*policy));
}

}  // namespace xc::mediate
