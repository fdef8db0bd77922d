// Any bytes as a chunked body: what the mediator decodes is what two other parsers decode from the same bytes, in one
// piece and in many; and what it refuses in one piece leaves nothing behind.
//
// The first byte is the size of the pieces of the second run.
#include <cstdint>

#include "http_oracle.h"
#include "http_others.h"
#include "rest_pair.h"

namespace {

using namespace xc;
using mediate::require;

const std::string head = "POST /a HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string forward(std::string_view body, std::size_t piece) {
  mediate::RestPair pair({});
  pair.say(pair.from_client, head + std::string(body), piece);
  return pair.server_heard;
}

/// The first message, if it is complete.
std::optional<std::string> body_of(const oracle::Reading& reading) {
  if (reading.messages.empty() || !reading.messages[0].complete) return std::nullopt;
  return reading.messages[0].body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string heard = forward(body, 0);
  const std::string heard_slowly = forward(body, data[0] + 1U);
  const auto reading = oracle::read_requests(heard);
  const auto reading_slowly = oracle::read_requests(heard_slowly);
  require(reading.fault.empty() && reading_slowly.fault.empty(), "not strict HTTP: " + reading.fault);
  if (heard.empty()) {
    require(!body_of(reading_slowly), "refused in one piece and complete in many");
    return 0;
  }
  require(body_of(reading) == body_of(reading_slowly), "pieces matter");
  if (!body_of(reading)) return 0;

  const std::string original = head + std::string(body);
  const auto theirs = oracle::http_parser_requests(original);
  // It reads trailers for framing fields and may mind them; they never pass here.
  require(theirs.messages.empty() ? !theirs.fault.empty() : theirs.messages[0].body == *body_of(reading),
          "http_parser decodes otherwise: " + original);
  const auto others = oracle::beast_requests(original);
  require(others.messages.empty() || others.messages[0].body == *body_of(reading),
          "Beast decodes otherwise: " + original);
  return 0;
}
