#include "mediate/h2_talk.h"

#include <algorithm>

#include "base/text.h"
#include "mediate/h2_limits.h"
#include "mediate/http_answer.h"
#include "mediate/rest_event.h"
#include "mediate/rest_rules.h"
#include "mediate/rest_verdict.h"

namespace xc::mediate::h2 {

Talk::Talk(const Terms& terms)
    : terms_(terms), client_(*this, Session::Role::server), server_(*this, Session::Role::client) {}

void Talk::Side::on_block(Id id, bool ended) {
  Exchange* exchange = talk.find(*this, id);
  if (from_client && exchange == nullptr)
    talk.take_request(id, ended);
  else if (exchange != nullptr && !from_client && !block.status.empty())
    talk.take_response(*exchange, ended);
  else if (exchange != nullptr)
    talk.take_trailers(*this, *exchange, ended);
  block.clear();
}

Exchange* Talk::find(const Side& side, Id id) {
  const auto found =
      std::ranges::find_if(exchanges_, [&](const auto& e) { return (side.from_client ? e->client : e->server) == id; });
  return found == exchanges_.end() ? nullptr : found->get();
}

void Talk::take_request(Id id, bool ended) {
  exchanges_.push_back(std::make_unique<Exchange>());
  Exchange& exchange = *exchanges_.back();
  exchange.client = id;
  exchange.request.ended = ended;
  exchange.began = terms_.now();
  decide(exchange, client_.block, ended);
}

void Talk::decide(Exchange& exchange, Block& block, bool ended) {
  Request request;
  exchange.head_only = block.method == "HEAD";
  if (const auto refusal = read_request(block, request)) {
    answer(exchange, refusal->status, refusal->why);
    return;
  }
  exchange.method = block.method;
  exchange.path = request.target.path;
  exchange.patient = request.meaning.patient;
  auto verdict = judge_token(terms_, request.fields);
  if (!verdict) verdict = judge_request(terms_, block.method, request.target, request.meaning.length.value_or(0));
  if (verdict) {
    answer(exchange, verdict->status, verdict->error, verdict->rule);
    if (!connected()) stop_taking();  // the next connection may find a provider
    return;
  }
  exchange.most = body_limit(terms_.rights, block.method, request.target);
  const Lines head = write_request(block, request, terms_.client, terms_.role, !restricts(terms_.rights));
  exchange.server = server_.session.submit_request(head, !ended);
  if (exchange.server < 0) {
    answer(exchange, 503, "the provider takes no more requests on this connection");
    return;
  }
  ++terms_.tally.messages;
}

void Talk::take_response(Exchange& exchange, bool ended) {
  const Lines head = write_response(server_.block, exchange.status);
  const bool interim = !head.empty() && exchange.status < 200;
  const bool wrong = head.empty() || exchange.status == 101 || (interim && ended) || exchange.started ||
                     (interim && ++exchange.interims > limits::interim_responses);
  if (wrong) {
    answer(exchange, 502, "the provider's answer is malformed");
    return;
  }
  if (exchange.answered || exchange.client < 0) return;
  client_.session.submit_response(exchange.client, head, !ended, interim);
  exchange.started = !interim;
  exchange.response.ended = ended;
}

void Talk::take_trailers(Side& side, Exchange& exchange, bool ended) {
  auto lines = write_trailers(side.block, side.from_client);
  if (!lines || !ended) {
    answer(exchange, side.from_client ? 400 : 502, "malformed trailers");
    return;
  }
  (side.from_client ? exchange.request : exchange.response).trailers = std::move(*lines);
  end(side, side.from_client ? exchange.client : exchange.server);
}

/// So many bytes that came from `side` are disposed of; the stream may be closed there by now.
void Talk::give_back(Side& side, Id id, std::size_t count) {
  if (count == 0) return;
  if (id >= 0)
    side.session.consume(id, count);
  else
    side.session.consume_connection(count);
}

void Talk::move(Side& side, Id id, std::string_view bytes) {
  Exchange* exchange = find(side, id);
  const bool useless =
      exchange == nullptr || exchange->answered || (side.from_client ? exchange->server : exchange->client) < 0;
  if (useless) {
    side.session.consume(id, bytes.size());
    if (exchange == nullptr || !side.from_client) return;
    exchange->dropped += bytes.size();  // answered already: the client may stop (RFC 9113 8.1)
    if (exchange->dropped > limits::h2_dropped) side.session.reset(id, Code::none);
    return;
  }
  Flow& flow = side.from_client ? exchange->request : exchange->response;
  flow.waiting += bytes;
  if (side.from_client && flow.moved + flow.waiting.size() > exchange->most) {
    answer(*exchange, 413, "the body is longer than the role may send");
    return;
  }
  Side& other = side.from_client ? server_ : client_;
  other.session.resume(side.from_client ? exchange->server : exchange->client);
}

void Talk::end(Side& side, Id id) {
  Exchange* exchange = find(side, id);
  if (exchange == nullptr) return;
  (side.from_client ? exchange->request : exchange->response).ended = true;
  Side& other = side.from_client ? server_ : client_;
  const Id theirs = side.from_client ? exchange->server : exchange->client;
  if (theirs >= 0) other.session.resume(theirs);
}

Events::Pulled Talk::pull(Side& side, Id id, std::span<char> room) {
  Exchange* exchange = find(side, id);
  if (exchange == nullptr) return {0, true, nullptr};
  if (!side.from_client) {
    const auto pulled = exchange->request.pull(room);
    give_back(client_, exchange->client, pulled.size);
    return pulled;
  }
  const auto pulled = exchange->response.pull(room);
  if (!exchange->answered) give_back(server_, exchange->server, pulled.size);
  return pulled;
}

void Talk::close(Side& side, Id id, std::uint32_t code) {
  Exchange* exchange = find(side, id);
  if (exchange == nullptr) return;
  (side.from_client ? exchange->client : exchange->server) = -1;
  if (side.from_client) {
    resets_ += code == 0 ? 0 : 1;
    completed_ += code == 0 ? 1 : 0;
    if (exchange->server >= 0) server_.session.reset(exchange->server, Code::cancel);
  } else if (exchange->client >= 0 && !exchange->answered && !exchange->response.ended) {
    client_.session.reset(exchange->client, static_cast<Code>(code));
  }
  if (exchange->client >= 0 || exchange->server >= 0) return;
  drop(*exchange);
}

/// Both streams are closed: what still waits is given back to the connections it came by.
void Talk::drop(const Exchange& exchange) {
  give_back(client_, -1, exchange.request.waiting.size());
  if (!exchange.answered) give_back(server_, -1, exchange.response.waiting.size());
  if (!exchange.answered && exchange.status != 0) terms_.answered(exchange.began);
  if (terms_.listener() != nullptr)
    report_exchange(terms_, {exchange.method, exchange.path, exchange.status, exchange.request.moved,
                             exchange.response.moved, exchange.began, terms_.now(), exchange.refusal});
  std::erase_if(exchanges_, [&](const auto& e) { return e.get() == &exchange; });
}

/// Our own answer, or the end of a response that has begun; the provider is out of it.
void Talk::answer(Exchange& exchange, unsigned status, std::string_view error, std::string_view rule) {
  if (exchange.answered) return;
  ++terms_.tally.refusals;
  give_back(client_, exchange.client, exchange.request.waiting.size());
  exchange.request.waiting.clear();
  give_back(server_, exchange.server, exchange.response.waiting.size());
  exchange.response = {};
  if (exchange.server >= 0) server_.session.reset(exchange.server, Code::cancel);
  exchange.answered = true;
  exchange.refusal = error;
  terms_.refused(text::number(status) + ' ' + exchange.method + ' ' + exchange.path + ": " + exchange.refusal);
  if (exchange.client < 0) return;
  if (exchange.started) {
    client_.session.reset(exchange.client, Code::internal);
    return;
  }
  exchange.status = status;
  const std::string body = http::answer_body({status, error, terms_.service, terms_.role, rule});
  client_.session.submit_response(exchange.client,
                                  {{":status", text::number(status)},
                                   {"content-type", "application/json"},
                                   {"cache-control", "no-store"},
                                   {"content-length", text::number(std::uint64_t{body.size()})}},
                                  !exchange.head_only);
  exchange.response.waiting = exchange.head_only ? std::string() : body;
  exchange.response.ended = true;
}

void Talk::provider_left(std::string_view why) {
  terms_.upstream = Upstream::failed;
  stop_taking();
  for (auto& exchange : exchanges_) {
    if (exchange->server < 0) continue;
    exchange->server = -1;
    if (!exchange->response.ended) answer(*exchange, 502, why);
  }
  std::vector<const Exchange*> gone;
  for (const auto& exchange : exchanges_)
    if (exchange->client < 0 && exchange->server < 0) gone.push_back(exchange.get());
  for (const Exchange* exchange : gone) drop(*exchange);
}

void Talk::give_up() {
  for (auto& exchange : exchanges_)
    if (exchange->is_awaited()) answer(*exchange, 504, "the provider did not answer in time");
}

bool Talk::waits_for_provider() const {
  return std::ranges::any_of(exchanges_, [](const auto& e) { return e->is_awaited(); });
}

bool Talk::abused() const {
  return resets_ > limits::h2_resets + completed_;
}

/// The client is asked to make its next requests on a new connection, which is a new one to the provider too.
void Talk::stop_taking() {
  if (!closing_) client_.session.refuse_new();
  closing_ = true;
}

}  // namespace xc::mediate::h2
