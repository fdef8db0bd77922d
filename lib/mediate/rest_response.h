// The provider's direction of a REST connection: every response is parsed and written anew, our own answers are put in
// their places. Runs in the worker; a provider is as hostile as a client.
#pragma once

#include <string_view>

#include "mediate/http_body.h"
#include "mediate/http_head.h"
#include "mediate/http_meaning.h"
#include "mediate/http_write.h"
#include "mediate/rest_exchange.h"

namespace xc::mediate {

class RestResponses {
 public:
  explicit RestResponses(Talk& talk) : talk_(talk) {}

  /// Moves responses on as far as they came and the client has room. True when the provider answered an upgrade with
  /// something else than 101.
  bool advance(Stream& from, Stream& to);
  /// The response did not begin in time.
  void give_up();

 private:
  enum class State : std::uint8_t { head, body };
  struct Parts {
    http::ResponseHead head;
    http::Meaning meaning;
  };
  struct Delivery {
    http::Framing framing = http::Framing::none;
    http::Persist persist = http::Persist::silent;
    http::Body body = http::Body::none();
  };

  bool settle_idle(Stream& from);
  bool take_head(Stream& from, Stream& to);
  bool take_body(Stream& from, Stream& to);
  void pass_interim(const Parts& parts, Stream& to);
  void switch_protocols(const Parts& parts, Stream& to);
  void begin(const Parts& parts, Stream& to);
  [[nodiscard]] Delivery plan(const Parts& parts, Exchange& exchange) const;
  void fault(unsigned status, std::string_view why);
  void complete();
  void report(const Exchange& exchange) const;

  Talk& talk_;
  State state_ = State::head;
  bool refused_upgrade_ = false;
  unsigned interim_ = 0;
  unsigned status_ = 0;
  http::HeadFinder finder_{limits::head_bytes};
  http::Body body_ = http::Body::none();
};

}  // namespace xc::mediate
