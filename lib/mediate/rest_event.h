// What became of one request, as a line of JSON for whoever listens (mediate/observer.h). Pure; runs in the worker.
#pragma once

#include <cstdint>
#include <string_view>

#include "mediate/mediator.h"

namespace xc::mediate {

struct ExchangeNote {
  std::string_view method, path;  ///< empty = the head was not understood
  unsigned status = 0;
  std::uint64_t sent = 0;      ///< bytes of the request's body
  std::uint64_t received = 0;  ///< of the response's
  std::uint64_t began = 0;     ///< by the observer's clock; 0 = unknown
  std::uint64_t ended = 0;     ///< the same
  std::string_view refusal;    ///< why we answered ourselves; empty = the provider did
};

/// Tells the observer of `terms`, which must have one.
void report_exchange(const Terms& terms, const ExchangeNote& note);

}  // namespace xc::mediate
