// Two HTTP parsers that other people wrote, as judges of what the mediator forwards: both must find the same messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xc::oracle {

struct Framed {
  std::string start;  ///< "METHOD target", or the status
  std::string body;
  bool operator==(const Framed&) const = default;
};

struct Verdict {
  std::vector<Framed> messages;  ///< the complete ones
  std::string fault;             ///< why the parser stopped; empty = it did not mind
  bool undecided = false;        ///< it stopped for a reason of its own: a method not in its list, a size
};

[[nodiscard]] Verdict http_parser_requests(std::string_view bytes);
[[nodiscard]] Verdict beast_requests(std::string_view bytes);

/// Responses to requests of these methods; `ended`: the connection was closed after `bytes`. Stops at a 101.
[[nodiscard]] Verdict http_parser_responses(std::string_view bytes, const std::vector<std::string>& methods,
                                            bool ended);
[[nodiscard]] Verdict beast_responses(std::string_view bytes, const std::vector<std::string>& methods, bool ended);

}  // namespace xc::oracle
