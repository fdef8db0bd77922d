#include "mediate/rest_response.h"

#include "base/text.h"
#include "mediate/http_grammar.h"
#include "mediate/rest_event.h"

namespace xc::mediate {
namespace {

using http::Body;
using http::Flow;
using http::Form;
using http::Framing;
using http::Persist;

/// Every protocol in `chosen` was among `offered` (RFC 9110 7.8), and there is one.
bool was_offered(std::string_view chosen, std::string_view offered) {
  bool any = false;
  while (const auto protocol = http::next_element(chosen)) {
    std::string_view list = offered;
    bool found = false;
    while (const auto candidate = http::next_element(list)) {
      found = found || http::is_same_word(*candidate, *protocol);
    }
    if (!found) return false;
    any = true;
  }
  return any;
}

}  // namespace

bool RestResponses::advance(Stream& from, Stream& to) {
  refused_upgrade_ = false;
  while (!talk_.cut && !talk_.tunnel) {
    if (talk_.pending.empty()) {
      if (!settle_idle(from)) break;
      continue;
    }
    const Exchange& exchange = talk_.pending.front();
    if (!exchange.answer().empty()) {
      if (to.room() == 0) break;
      status_ = exchange.more->status;
      to.append(exchange.answer());
      complete();
      continue;
    }
    if (state_ == State::head ? !take_head(from, to) : !take_body(from, to)) break;
  }
  return refused_upgrade_;
}

void RestResponses::give_up() {
  if (talk_.pending.empty())
    talk_.cut = true;  // answered early, and the provider takes no more of the request
  else
    fault(504, "the provider did not answer in time");
}

/// No response is due. Bytes that come all the same could become the answer of a request that was not made yet.
bool RestResponses::settle_idle(Stream& from) {
  if (talk_.terms.upstream != Upstream::connected) return false;
  if (!from.empty()) {
    talk_.cut = true;
    return true;
  }
  if (!from.ended()) return false;
  if (talk_.any_request) {
    talk_.cut = true;  // between two requests: an ordinary end
  } else {
    talk_.terms.upstream = Upstream::failed;  // left before it was asked anything: the first request is told so
  }
  return true;
}

bool RestResponses::take_head(Stream& from, Stream& to) {
  if (to.room() == 0) return false;
  if (from.empty() && !from.ended()) return false;
  const auto length = finder_.find(from.data());
  if (length && *length == 0 && !from.ended()) return false;
  if (!length || *length == 0) {
    fault(502, !length        ? "the provider's answer is no HTTP response"
               : from.empty() ? "the provider closed the connection without an answer"
                              : "the provider's answer ends in the middle of its head");
    return true;
  }
  Parts parts;
  auto refusal = parse_response(from.data().substr(0, *length), parts.head);
  if (!refusal) refusal = interpret(parts.head.fields, parts.meaning);
  if (!refusal && parts.meaning.chunked && parts.head.old)
    refusal = http::Refusal{502, "Transfer-Encoding in HTTP/1.0"};
  if (refusal) {
    fault(502, "the provider's answer is malformed: " + std::string(refusal->why));
    return true;
  }
  if (parts.head.status == 101)
    switch_protocols(parts, to);
  else if (parts.head.status < 200)
    pass_interim(parts, to);
  else
    begin(parts, to);
  from.consume(*length);
  finder_.reset();
  return true;
}

void RestResponses::pass_interim(const Parts& parts, Stream& to) {
  Exchange& exchange = talk_.pending.front();
  if (++interim_ > limits::interim_responses) {
    fault(502, "the provider sends interim responses without end");
    return;
  }
  if (parts.head.status == 100) exchange.expects = false;
  if (!exchange.old_client) http::append_response(to, parts.head, parts.meaning, Framing::none, Persist::silent);
}

void RestResponses::switch_protocols(const Parts& parts, Stream& to) {
  Exchange& exchange = talk_.pending.front();
  if (talk_.sending || !was_offered(parts.meaning.upgrade, exchange.upgrade())) {
    fault(502, "the provider switches to a protocol that nobody asked for");
    return;
  }
  http::append_response(to, parts.head, parts.meaning, Framing::none, Persist::upgrade);
  status_ = parts.head.status;
  exchange.last = false;
  talk_.tunnel = true;
  complete();
}

/// The head of a final response goes out, and its body begins.
void RestResponses::begin(const Parts& parts, Stream& to) {
  Exchange& exchange = talk_.pending.front();
  Delivery delivery = plan(parts, exchange);
  http::append_response(to, parts.head, parts.meaning, delivery.framing, delivery.persist);
  refused_upgrade_ = refused_upgrade_ || !exchange.upgrade().empty();
  body_ = delivery.body;
  status_ = parts.head.status;
  talk_.started = true;
  state_ = State::body;
}

/// RFC 9112 6.3, and 9.3 for what becomes of the connection.
RestResponses::Delivery RestResponses::plan(const Parts& parts, Exchange& exchange) const {
  const http::Meaning& meaning = parts.meaning;
  const bool bodyless = exchange.head_only || parts.head.status == 204 || parts.head.status == 304;
  Delivery delivery;
  if (bodyless) {
    if (parts.head.status != 204) delivery.framing = Framing::length;
  } else if (meaning.chunked) {
    delivery.framing = exchange.old_client ? Framing::none : Framing::chunked;
    delivery.body = Body::of_chunks(exchange.old_client ? Form::plain : Form::same);
    exchange.last = exchange.last || exchange.old_client;
  } else if (meaning.length) {
    delivery.framing = Framing::length;
    delivery.body = Body::of_length(*meaning.length, Form::same);
  } else {
    delivery.body = Body::until_end(Form::same);
    exchange.last = true;
  }
  if (meaning.close || (parts.head.old && !meaning.keep_alive)) exchange.last = true;
  if (exchange.last)
    delivery.persist = Persist::close;
  else if (exchange.old_client)
    delivery.persist = Persist::keep_alive;
  return delivery;
}

bool RestResponses::take_body(Stream& from, Stream& to) {
  switch (body_.relay(from, to)) {
    case Flow::going: return false;
    case Flow::complete: complete(); return true;
    case Flow::broken: talk_.cut = true; return true;  // too late for words; the framing tells the client
  }
  return false;
}

/// What the provider said, or did not say, becomes an answer of ours, and the connection ends with it.
void RestResponses::fault(unsigned status, std::string_view why) {
  Exchange& exchange = talk_.pending.front();
  exchange.last = true;
  if (talk_.started)
    talk_.cut = true;
  else
    talk_.answer(exchange, status, why);
}

void RestResponses::complete() {
  const Exchange& exchange = talk_.pending.front();
  report(exchange);
  talk_.cut = talk_.cut || exchange.last;
  talk_.started = false;
  state_ = State::head;
  interim_ = 0;
  body_ = Body::none();
  talk_.pending.erase(talk_.pending.begin());
}

void RestResponses::report(const Exchange& exchange) const {
  const std::uint64_t ended = talk_.terms.now();
  if (exchange.answer().empty() && exchange.began != 0) talk_.terms.tally.latency.add(ended - exchange.began);
  if (talk_.terms.listener() == nullptr) return;
  ExchangeNote note;
  if (exchange.more) {
    const Particulars& more = *exchange.more;
    note = {more.method, more.path, 0, more.received, 0, 0, 0, more.refusal};
  }
  note.began = exchange.began;
  note.ended = ended;
  note.status = status_;
  note.received = body_.moved();
  report_exchange(talk_.terms, note);
}

}  // namespace xc::mediate
