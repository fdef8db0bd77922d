// Mediator for `rest` links (HTTP/1.0 and 1.1). Runs in the worker. Puts the two directions together: their order, the
// end of the connection, time, and the tunnel after a 101.
//
// One provider connection belongs to one client connection and is never shared, so that whatever a client does to the
// framing hits nobody else.
#include <algorithm>
#include <tuple>

#include "mediate/mediator.h"
#include "mediate/rest_request.h"
#include "mediate/rest_response.h"
#include "mediate/rest_rules.h"

namespace xc::mediate {
namespace {

/// What the connection waits for; decides how long (rest_limits.h).
enum class Waiting : std::uint8_t { idle, head, body, provider, reader, anything };

/// For ever, for the role's time or for the usual time.
std::optional<std::chrono::milliseconds> response_time(const model::Rights& rights) {
  const auto wait = response_wait(rights);
  if (!wait) return limits::response_time;
  return wait->count() == 0 ? std::nullopt : std::optional<std::chrono::milliseconds>(*wait);
}

std::optional<std::chrono::milliseconds> patience_for(Waiting waiting,
                                                      std::optional<std::chrono::milliseconds> response) {
  switch (waiting) {
    case Waiting::idle: return limits::idle_time;
    case Waiting::head: return limits::head_time;
    case Waiting::body: return limits::body_time;
    case Waiting::provider: return response;
    case Waiting::reader: return limits::reader_time;
    case Waiting::anything: return std::nullopt;
  }
  return std::nullopt;
}

void close_descriptors(Stream& stream) {
  if (!stream.pins().empty())
    stream.pins().clear();  // HTTP has no words for them: they never cross, in neither direction
}

void pass_everything(Stream& from, Stream& to) {
  to.take(from, std::min(from.data().size(), to.room()));
  if (from.finished()) to.end();
}

std::uint64_t written(const Stream& stream) {
  return stream.position() + stream.data().size();
}

class Rest final : public Mediator {
 public:
  explicit Rest(const Terms& terms)
      : talk_{terms, {}}, requests_(talk_), responses_(talk_), response_time_(response_time(terms.rights)) {}

  Result<> advance(Wire wire) override {
    close_descriptors(wire.from_client);
    close_descriptors(wire.from_server);
    while (!over_ && !talk_.tunnel && step(wire)) {
    }
    if (talk_.tunnel) {
      pass_everything(wire.from_client, wire.to_server);
      pass_everything(wire.from_server, wire.to_client);
    } else if (over_) {
      wire.from_client.consume(wire.from_client.data().size());
      wire.from_server.consume(wire.from_server.data().size());
    }
    count(wire);
    waiting_ = what_for(wire);
    return {};
  }

  [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const override {
    return patience_for(waiting_, response_time_);
  }

  Result<> expire(Wire wire) override;

  [[nodiscard]] bool hears_out() const override { return !talk_.tunnel; }
  [[nodiscard]] bool transparent() const override { return talk_.tunnel; }

 private:
  bool step(Wire& wire);
  [[nodiscard]] Waiting what_for(const Wire& wire) const;
  void count(const Wire& wire);
  void finish(Wire& wire);

  Talk talk_;
  RestRequests requests_;
  RestResponses responses_;
  std::optional<std::chrono::milliseconds> response_time_;
  bool over_ = false;
  Waiting waiting_ = Waiting::idle;
  std::uint64_t counted_to_server_ = 0;
  std::uint64_t counted_to_client_ = 0;
};

/// Both directions once; true when another round may move something. Responses go first: bytes of a provider that came
/// before a request was passed on must not become its answer.
bool Rest::step(Wire& wire) {
  const auto mark = [&] {
    return std::tuple(wire.from_client.position(), wire.from_server.position(), talk_.pending.size(),
                      requests_.stopped());
  };
  const auto before = mark();
  if (responses_.advance(wire.from_server, wire.to_client)) requests_.resume();
  if (!talk_.cut && !talk_.tunnel) requests_.advance(wire.from_client, wire.to_server);
  // A half-closed client still reads: the provider learns that no request follows, and answers what it has.
  if (requests_.stopped() && wire.from_client.finished()) {
    wire.to_server.end();
    talk_.cut = talk_.cut || talk_.pending.empty();
  }
  if (talk_.cut) finish(wire);
  return mark() != before;
}

void Rest::finish(Wire& wire) {
  over_ = true;
  wire.to_client.end();
  wire.to_server.end();
}

void Rest::count(const Wire& wire) {
  const std::uint64_t to_server = written(wire.to_server);
  const std::uint64_t to_client = written(wire.to_client);
  talk_.terms.tally.to_server += to_server - counted_to_server_;
  talk_.terms.tally.to_client += to_client - counted_to_client_;
  counted_to_server_ = to_server;
  counted_to_client_ = to_client;
}

Waiting Rest::what_for(const Wire& wire) const {
  if (wire.to_client.room() == 0 || (over_ && !wire.to_client.empty())) return Waiting::reader;
  if (talk_.tunnel || over_) return Waiting::anything;
  const bool answering = !talk_.pending.empty();
  if (talk_.sending) {
    const bool provider = wire.to_server.room() == 0 || (answering && talk_.pending.back().expects);
    return provider ? Waiting::provider : Waiting::body;
  }
  if (!answering) return wire.from_client.empty() ? Waiting::idle : Waiting::head;
  const bool unhurried = talk_.started || talk_.pending.front().patient;
  return unhurried ? Waiting::anything : Waiting::provider;
}

Result<> Rest::expire(Wire wire) {
  // What was sent meanwhile may have changed who is to blame: then that one gets its own time.
  const Waiting waiting = what_for(wire);
  if (std::exchange(waiting_, waiting) != waiting) return {};
  switch (waiting) {
    case Waiting::anything: return {};
    case Waiting::reader: return fail(Kind::again, "the client reads no more");
    case Waiting::idle: talk_.cut = true; break;
    case Waiting::head:
    case Waiting::body: requests_.give_up(wire.to_server); break;
    case Waiting::provider: responses_.give_up(); break;
  }
  if (talk_.cut) finish(wire);
  return advance(wire);
}

}  // namespace

std::unique_ptr<Mediator> make_rest(const Terms& terms) {
  return std::make_unique<Rest>(terms);
}

}  // namespace xc::mediate
