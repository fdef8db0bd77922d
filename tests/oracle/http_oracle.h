// A second reader of HTTP/1.1 for tests: slow, plain, and written apart from the product's parser, straight from the
// grammar of RFC 9112. It accepts what a strict server would, and nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xc::oracle {

struct Message {
  std::string start;  ///< the start line
  std::vector<std::pair<std::string, std::string>> fields;
  std::vector<std::pair<std::string, std::string>> trailers;
  std::string body;
  bool complete = false;  ///< to the last byte of its body

  [[nodiscard]] std::vector<std::string> values(std::string_view lower_name) const;
};

struct Reading {
  std::vector<Message> messages;  ///< the last one may be incomplete
  std::string fault;              ///< why the bytes are not HTTP; empty = they are, as far as they go
  std::string rest;               ///< bytes of a head that is not complete, or behind a 101
};

/// Reads `bytes` as requests, as a strict server would.
[[nodiscard]] Reading read_requests(std::string_view bytes);

/// Reads `bytes` as responses to requests of these methods; what follows a 101 is `rest`. `ended`: the connection was
/// closed after them, which completes a body without length.
[[nodiscard]] Reading read_responses(std::string_view bytes, const std::vector<std::string>& methods, bool ended);

/// Lower case, everything that is not alphanumeric a "-".
[[nodiscard]] std::string canonical(std::string_view name);

/// What is wrong with the identity in these requests: each head must carry both fields exactly once with these values,
/// and nothing else that reads as X-PV-*, in heads or trailers. Empty = nothing.
[[nodiscard]] std::string identity_fault(const Reading& reading, std::string_view client, std::string_view role);

}  // namespace xc::oracle
