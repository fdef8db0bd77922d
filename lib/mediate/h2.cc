// Mediator for `rest` links whose rules say "protocol": "h2c": HTTP/2 with prior knowledge, as gRPC speaks it. Runs in
// the worker. Here are the bytes, the end of the connection and time; what the streams mean is h2_talk's.
#include <utility>

#include "mediate/h2_limits.h"
#include "mediate/h2_talk.h"
#include "mediate/http_answer.h"
#include "mediate/mediator.h"
#include "mediate/rest_rules.h"

namespace xc::mediate {
namespace {

enum class Waiting : std::uint8_t { idle, provider, reader, anything };

class Http2 final : public Mediator {
 public:
  explicit Http2(const Terms& terms) : terms_(terms), talk_(terms), wait_(response_wait(terms.rights)) {}

  Result<> advance(Wire wire) override {
    for (Stream* stream : {&wire.from_client, &wire.from_server})
      if (!stream->pins().empty()) stream->pins().clear();  // HTTP has no words for descriptors
    while (!over_ && step(wire)) {
    }
    if (over_) {
      wire.from_client.consume(wire.from_client.data().size());
      wire.from_server.consume(wire.from_server.data().size());
      wire.to_client.end();
      wire.to_server.end();
    }
    terms_.tally.to_server += wire.to_server.end_position() - std::exchange(to_server_, wire.to_server.end_position());
    terms_.tally.to_client += wire.to_client.end_position() - std::exchange(to_client_, wire.to_client.end_position());
    waiting_ = what_for(wire);
    full_ = !over_ && (wire.to_client.room() == 0 || wire.to_server.room() == 0);
    return {};
  }

  [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const override;
  Result<> expire(Wire wire) override;
  [[nodiscard]] bool holds_back() const override { return full_; }
  [[nodiscard]] bool hears_out() const override { return true; }

 private:
  bool step(Wire& wire);
  bool hear_client(Wire& wire);
  bool hear_server(Wire& wire);
  bool write_out(Wire& wire);
  [[nodiscard]] Waiting what_for(const Wire& wire) const;

  Terms terms_;
  h2::Talk talk_;
  std::optional<std::chrono::seconds> wait_;
  bool heard_ = false;  ///< the client has spoken HTTP/2
  bool over_ = false;
  bool full_ = false;  ///< a stream had no room left for what there may be to say
  Waiting waiting_ = Waiting::idle;
  std::uint64_t to_server_ = 0;
  std::uint64_t to_client_ = 0;
};

/// What each side said and what there is to say to it; true when another round may move something. A side is not heard
/// while it does not read, so that what it makes us say is bounded.
bool Http2::step(Wire& wire) {
  bool moved = write_out(wire);
  if (wire.to_client.room() > 0 && !wire.from_client.empty()) moved = hear_client(wire) || moved;
  if (!over_ && talk_.connected() && wire.to_server.room() > 0) moved = hear_server(wire) || moved;
  if (over_) return false;
  if (talk_.abused()) talk_.client().terminate(h2::Code::calm);
  if (talk_.closing() && talk_.idle()) talk_.client().terminate(h2::Code::none);
  moved = write_out(wire) || moved;
  over_ = wire.from_client.finished() || (talk_.client().over() && wire.to_client.room() > 0);
  return moved;
}

bool Http2::hear_client(Wire& wire) {
  const bool good = talk_.client().receive(wire.from_client.data());
  wire.from_client.consume(wire.from_client.data().size());
  if (!good && !std::exchange(heard_, true)) {
    ++terms_.tally.refusals;
    wire.to_client.append(http::make_answer(
        {505, "this service speaks HTTP/2 with prior knowledge and nothing else", terms_.service, terms_.role, {}},
        true, false));
  }
  heard_ = true;
  over_ = over_ || !good;
  return true;
}

bool Http2::hear_server(Wire& wire) {
  const bool any = !wire.from_server.empty();
  const bool good = !any || talk_.server().receive(wire.from_server.data());
  wire.from_server.consume(wire.from_server.data().size());
  if (!good || wire.from_server.finished() || talk_.server().over()) {
    talk_.provider_left(good ? "the provider closed the connection without an answer"
                             : "the provider's answer is no HTTP/2");
    wire.to_server.end();
    return true;
  }
  return any;
}

bool Http2::write_out(Wire& wire) {
  bool moved = false;
  const auto write = [&](h2::Session& session, Stream& to) {
    while (to.room() > 0) {
      const std::string_view bytes = session.next_output();
      if (bytes.empty()) return;
      to.append(bytes);
      moved = true;
    }
  };
  if (talk_.connected()) write(talk_.server(), wire.to_server);
  if (heard_) write(talk_.client(), wire.to_client);
  return moved;
}

Waiting Http2::what_for(const Wire& wire) const {
  if (wire.to_client.room() == 0 || (over_ && !wire.to_client.empty())) return Waiting::reader;
  if (over_) return Waiting::anything;
  if (talk_.idle()) return Waiting::idle;
  return talk_.waits_for_provider() ? Waiting::provider : Waiting::anything;
}

std::optional<std::chrono::milliseconds> Http2::patience() const {
  switch (waiting_) {
    case Waiting::idle: return limits::idle_time;
    case Waiting::reader: return limits::reader_time;
    case Waiting::anything: return std::nullopt;
    case Waiting::provider: break;
  }
  if (!wait_) return limits::response_time;
  return wait_->count() == 0 ? std::nullopt : std::optional<std::chrono::milliseconds>(*wait_);
}

Result<> Http2::expire(Wire wire) {
  const Waiting waiting = what_for(wire);
  if (std::exchange(waiting_, waiting) != waiting) return {};  // somebody else is to blame now, and gets his own time
  if (waiting == Waiting::reader) return fail(Kind::again, "the client reads no more");
  if (waiting == Waiting::provider) talk_.give_up();
  if (waiting == Waiting::idle) talk_.client().terminate(h2::Code::none);
  return advance(wire);
}

}  // namespace

std::unique_ptr<Mediator> make_http2(const Terms& terms) {
  return std::make_unique<Http2>(terms);
}

}  // namespace xc::mediate
