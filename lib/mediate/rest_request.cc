#include "mediate/rest_request.h"

#include "mediate/http_chunk.h"
#include "mediate/http_grammar.h"
#include "mediate/http_write.h"
#include "mediate/rest_rules.h"
#include "mediate/rest_verdict.h"

namespace xc::mediate {
namespace {

using http::Flow;
using http::Form;
using http::Refusal;

}  // namespace

RestRequests::RestRequests(Talk& talk) : talk_(talk) {
  const Terms& terms = talk_.terms;
  if (!has_identity(terms)) return;
  identity_ = "X-PV-Client: " + terms.client + "\r\nX-PV-Role: " + terms.role + "\r\n";
}

void RestRequests::advance(Stream& from, Stream& to) {
  for (;;) {
    switch (state_) {
      case State::head:
        if (!take_head(from, to)) return;
        break;
      case State::body:
        take_body(from, to);
        if (state_ == State::body) return;
        break;
      case State::held: return;
      case State::stopped: from.consume(from.data().size()); return;
    }
  }
}

void RestRequests::resume() {
  if (state_ == State::held) state_ = after_refusal_;
  if (after_body_ == State::held) after_body_ = after_refusal_;
}

void RestRequests::give_up(Stream& to) {
  if (state_ == State::body)
    break_off({408, "the body of the request came too slowly"}, to);
  else
    refuse({408, "the head of the request came too slowly"});
}

/// One request head; false when it must wait.
bool RestRequests::take_head(Stream& from, Stream& to) {
  if (talk_.pending.size() >= limits::pending || to.room() == 0) return false;
  if (!blank_ && from.data().starts_with("\r\n")) {  // RFC 9112 2.2: one empty line before a request is forgiven
    from.consume(2);
    blank_ = true;
  }
  if (from.empty()) {
    if (from.ended()) state_ = State::stopped;
    return from.ended();
  }
  const auto length = finder_.find(from.data());
  if (!length) {
    const bool large = length.error().status == 431;  // perhaps for its first line alone
    refuse((large ? fault_of_line(from) : std::nullopt).value_or(length.error()));
    return true;
  }
  if (*length == 0) return !lacks_more(from);
  Parts parts;
  auto refusal = parse_request(from.data().substr(0, *length), parts.head);
  if (!refusal) refusal = interpret(parts.head.fields, parts.meaning);
  if (!refusal) refusal = check_request(parts.head, parts.meaning);
  if (!refusal) refusal = read_target(parts.head.method, parts.head.target, parts.meaning.host, parts.target);
  if (refusal) {
    refuse(*refusal);
    return true;
  }
  decide(parts, from, to, *length);
  from.consume(*length);
  finder_.reset();
  blank_ = false;
  return true;
}

/// What is wrong with the request line, as far as it came.
std::optional<Refusal> RestRequests::fault_of_line(const Stream& from) const {
  const std::string_view line = finder_.first_line(from.data());
  http::RequestHead head;
  if (!line.empty()) return parse_request_line(line, head);
  if (from.data().size() <= limits::target_bytes + limits::method_bytes + 16) return std::nullopt;
  return Refusal{414, "the request line is too long"};
}

/// True while an incomplete head may become a good one.
bool RestRequests::lacks_more(const Stream& from) {
  auto refusal = fault_of_line(from);
  if (!refusal && from.ended()) refusal = Refusal{400, "the connection ended in the middle of a head"};
  if (refusal) refuse(*refusal);
  return !refusal;
}

void RestRequests::decide(Parts& parts, Stream& from, Stream& to, std::size_t length) {
  const http::Meaning& meaning = parts.meaning;
  if (meaning.chunked && !http::may_be_chunked(from.data().substr(length))) {
    refuse({400, "the body is not in the chunked coding"});
    return;
  }
  Exchange exchange;
  exchange.head_only = parts.head.method == "HEAD";
  exchange.old_client = parts.head.old;
  exchange.keep_alive = meaning.keep_alive;
  exchange.last = meaning.close || (parts.head.old && !meaning.keep_alive);
  exchange.patient = meaning.patient;
  note(parts, exchange);
  talk_.any_request = true;
  if (judge(parts, exchange)) {
    forward(parts, exchange, to);
    return;
  }
  dropping_ = true;
  after_body_ = exchange.last ? State::stopped : State::head;
  talk_.pending.push_back(std::move(exchange));
  if (after_body_ == State::stopped)
    state_ = State::stopped;
  else
    begin_body(meaning, Form::nowhere);
}

/// True when the request may go to the provider; otherwise `exchange` has our answer. The connection survives a refusal
/// by a rule when the body is short enough to read past it.
bool RestRequests::judge(Parts& parts, Exchange& exchange) {
  const Terms& terms = talk_.terms;
  const http::Meaning& meaning = parts.meaning;
  const std::string_view method = parts.head.method;
  auto verdict = judge_token(terms, parts.head.fields);
  if (!verdict) verdict = judge_request(terms, method, parts.target, meaning.length.value_or(0));
  if (verdict) {
    name(parts, exchange);
    const bool hard = verdict->status != 403 || verdict->rule.empty();
    exchange.last = exchange.last || hard || meaning.chunked || meaning.expects || !meaning.upgrade.empty() ||
                    meaning.length.value_or(0) > limits::drained_bytes;
    talk_.answer(exchange, verdict->status, verdict->error, verdict->rule);
    return false;
  }
  if (!meaning.upgrade.empty() && !allows_upgrade(terms.rights, method, parts.target)) {
    name(parts, exchange);
    exchange.last = true;
    talk_.answer(exchange, 403,
                 "role \"" + terms.role + "\" may not switch protocols on service \"" + terms.service + '"', "upgrade");
    return false;
  }
  most_ = body_limit(terms.rights, method, parts.target);
  return true;
}

void RestRequests::forward(const Parts& parts, Exchange& exchange, Stream& to) {
  exchange.expects = parts.meaning.expects;
  const bool upgrades = !parts.meaning.upgrade.empty();
  if (upgrades) exchange.particulars().upgrade = parts.meaning.upgrade;
  http::append_request(
      to, {parts.head, parts.meaning, parts.target, identity_, exchange.last, !restricts(talk_.terms.rights)});
  ++talk_.terms.tally.messages;
  dropping_ = false;
  after_refusal_ = exchange.last ? State::stopped : State::head;
  after_body_ = upgrades ? State::held : after_refusal_;
  talk_.pending.push_back(std::move(exchange));
  begin_body(parts.meaning, Form::same);
}

void RestRequests::begin_body(const http::Meaning& meaning, Form form) {
  body_ = meaning.chunked ? http::Body::of_chunks(form) : http::Body::of_length(meaning.length.value_or(0), form);
  if (form == Form::same) body_.limit(most_);
  state_ = State::body;
  talk_.sending = true;
}

void RestRequests::take_body(Stream& from, Stream& to) {
  const Flow flow = body_.relay(from, to);
  if (talk_.terms.listener() != nullptr && !talk_.pending.empty())
    talk_.pending.back().particulars().received = body_.moved();
  switch (flow) {
    case Flow::going: return;
    case Flow::complete:
      state_ = after_body_;
      talk_.sending = false;
      return;
    case Flow::broken:
      break_off(body_.too_long()  ? Refusal{413, "the body is longer than the role may send"}
                : from.finished() ? Refusal{400, "the connection ended in the middle of a body"}
                                  : Refusal{400, "the body is not in the chunked coding"},
                to);
  }
}

/// A request that cannot be understood: answered after those before it, and then the connection ends.
void RestRequests::refuse(const Refusal& refusal) {
  Exchange exchange;
  exchange.last = true;
  talk_.any_request = true;
  talk_.answer(exchange, refusal.status, refusal.why);
  talk_.pending.push_back(std::move(exchange));
  state_ = State::stopped;
}

/// A request that went wrong after its head was passed on. The provider sees the end of the connection instead of the
/// end of the request; the client our answer, if nothing else was said yet.
void RestRequests::break_off(const Refusal& refusal, Stream& to) {
  state_ = State::stopped;
  talk_.sending = false;
  if (dropping_) {  // answered already
    if (talk_.pending.empty())
      talk_.cut = true;
    else
      talk_.pending.back().last = true;
    return;
  }
  to.end();
  if (talk_.pending.empty() || (talk_.pending.size() == 1 && talk_.started)) {
    talk_.cut = true;
    return;
  }
  talk_.pending.back().last = true;
  talk_.answer(talk_.pending.back(), refusal.status, refusal.why);
}

void RestRequests::name(const Parts& parts, Exchange& exchange) {
  exchange.particulars().method = parts.head.method;
  exchange.particulars().path = parts.target.path;
}

void RestRequests::note(const Parts& parts, Exchange& exchange) const {
  exchange.began = talk_.terms.now();
  if (talk_.terms.listener() != nullptr) name(parts, exchange);
}

}  // namespace xc::mediate
