// The client's direction of a REST connection: every request is parsed, judged and written anew, or answered by us.
// Runs in the worker; must never pass a byte of a client that is neither a parsed head nor a framed body.
#pragma once

#include <cstdint>
#include <string>

#include "mediate/http_body.h"
#include "mediate/http_head.h"
#include "mediate/http_meaning.h"
#include "mediate/http_path.h"
#include "mediate/rest_exchange.h"

namespace xc::mediate {

class RestRequests {
 public:
  explicit RestRequests(Talk& talk);

  /// Moves requests on as far as they came and the provider has room.
  void advance(Stream& from, Stream& to);
  /// The provider answered something else than 101: what follows is HTTP again.
  void resume();
  /// The rest of a request did not come in time.
  void give_up(Stream& to);

  /// Nothing more will be passed on.
  [[nodiscard]] bool stopped() const { return state_ == State::stopped; }

 private:
  enum class State : std::uint8_t {
    head,     ///< a request begins, or has not begun
    body,     ///< its body is on the way
    held,     ///< it asked for an upgrade: the provider decides what the next byte is
    stopped,  ///< no further request is read
  };
  struct Parts {
    http::RequestHead head;
    http::Meaning meaning;
    http::Target target;
  };

  bool take_head(Stream& from, Stream& to);
  void take_body(Stream& from, Stream& to);
  [[nodiscard]] std::optional<http::Refusal> fault_of_line(const Stream& from) const;
  bool lacks_more(const Stream& from);
  void decide(Parts& parts, Stream& from, Stream& to, std::size_t length);
  bool judge(Parts& parts, Exchange& exchange);
  void forward(const Parts& parts, Exchange& exchange, Stream& to);
  void begin_body(const http::Meaning& meaning, http::Form form);
  void refuse(const http::Refusal& refusal);
  void break_off(const http::Refusal& refusal, Stream& to);
  static void name(const Parts& parts, Exchange& exchange);
  void note(const Parts& parts, Exchange& exchange) const;

  Talk& talk_;
  State state_ = State::head;
  State after_body_ = State::head;
  State after_refusal_ = State::head;  // of an upgrade, by the provider
  bool dropping_ = false;              // the body in question is not passed on
  bool blank_ = false;                 // an empty line before the request was skipped
  std::uint64_t most_ = 0;             // bytes the body in question may have
  std::string identity_;               // field lines
  http::HeadFinder finder_{limits::head_bytes};
  http::Body body_ = http::Body::none();
};

}  // namespace xc::mediate
