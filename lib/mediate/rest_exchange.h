// What the two directions of one REST connection know of each other: the requests that wait for their responses, and
// how the connection stands. Runs in the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "mediate/http_answer.h"
#include "mediate/mediator.h"

namespace xc::mediate {

/// What most exchanges do without.
struct Particulars {
  unsigned status = 0;  ///< of the answer, when it is ours
  std::string answer;   ///< our own answer; empty = the provider answers
  std::string upgrade;  ///< protocols the provider may switch to; empty = none
  std::string method;   ///< these four only for an observer
  std::string path;
  std::string refusal;
  std::uint64_t received = 0;  ///< bytes of the request's body
};

/// A request that was decided upon, and whose response has not gone to the client yet.
struct Exchange {
  bool head_only = false;   ///< HEAD: its response has no body
  bool old_client = false;  ///< HTTP/1.0: no chunks, no interim responses
  bool keep_alive = false;  ///< the HTTP/1.0 client asked to keep the connection
  bool last = false;        ///< the connection ends with its response
  bool patient = false;     ///< its response may take any time to begin
  bool expects = false;     ///< the client waits for 100 (Continue) before it sends the body
  std::uint64_t began = 0;  ///< by the observer's clock, when the head was whole; 0 = there is no clock
  std::unique_ptr<Particulars> more;

  Particulars& particulars() {
    if (!more) more = std::make_unique<Particulars>();
    return *more;
  }
  /// Our own answer, or empty.
  [[nodiscard]] std::string_view answer() const { return more ? std::string_view(more->answer) : std::string_view{}; }
  [[nodiscard]] std::string_view upgrade() const { return more ? std::string_view(more->upgrade) : std::string_view{}; }
};

/// State of a connection. `pending` is in the order of the requests, which is the order of the responses.
struct Talk {
  Terms terms;
  std::vector<Exchange> pending;
  bool any_request = false;  ///< a request was decided upon, ever
  bool sending = false;      ///< the body of pending.back() (or of a request already answered) is on its way
  bool started = false;      ///< the final response of pending.front() has begun to leave
  bool tunnel = false;       ///< switched protocols: bytes pass as they are
  bool cut = false;          ///< the connection must end now; nothing more can be said

  /// Our own answer for the request that becomes, or is, `exchange`.
  void answer(Exchange& exchange, unsigned status, std::string_view error, std::string_view rule = {}) {
    ++terms.tally.refusals;
    Particulars& more = exchange.particulars();
    more.status = status;
    more.answer =
        http::make_answer({status, error, terms.service, terms.role, rule}, exchange.last, exchange.head_only);
    if (terms.observer == nullptr) return;
    more.refusal = error;
    terms.refused(text::number(status) + ' ' + more.method + (more.method.empty() ? "" : " " + more.path + ": ") +
                  more.refusal);
  }
};

}  // namespace xc::mediate
