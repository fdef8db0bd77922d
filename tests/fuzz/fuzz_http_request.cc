// Any bytes of a client through the REST mediator: whatever reaches the provider is strict HTTP/1.1 that three readers
// frame alike, and every request in it carries the link's identity and no alias of it.
//
// The first byte chooses rights and behaviour, the second the size of the pieces.
#include <algorithm>
#include <cstdint>

#include "http_oracle.h"
#include "http_others.h"
#include "rest_pair.h"

namespace {

using namespace xc;
using mediate::require;

model::RoleRules rules_of(unsigned choice) {
  model::RoleRules rules;
  if ((choice & 3U) == 1) rules.rest = model::RestRules{true, true, {}};
  if ((choice & 3U) == 2) rules.rest = model::RestRules{false, false, {{{"GET"}, {"/a", "/v1/**"}}}};
  return rules;
}

/// Answers every complete request that was not answered yet.
void answer(mediate::RestPair& pair, std::size_t& answered) {
  for (;;) {
    const auto reading = oracle::read_requests(pair.server_heard);
    const auto complete = static_cast<std::size_t>(
        std::count_if(reading.messages.begin(), reading.messages.end(), [](const auto& m) { return m.complete; }));
    if (complete <= answered) return;
    for (; answered < complete; ++answered) {
      const bool head = reading.messages[answered].start.starts_with("HEAD ");
      pair.say(pair.from_server,
               head ? "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
               0);
    }
  }
}

void check_allowed(const oracle::Message& message, unsigned choice) {
  if ((choice & 3U) != 2) return;
  const std::string start = message.start.substr(0, message.start.find('?'));
  require(start.starts_with("GET /a HTTP") || start == "GET /a" || start.starts_with("GET /v1/") ||
              start.starts_with("GET /v1 ") || start == "GET /v1",
          "a rule was passed: " + message.start);
  require(start.find("/../") == start.npos && start.find("//") == start.npos, "the path is not normal");
}

void judge(const std::string& heard, const oracle::Reading& reading, const oracle::Verdict& verdict) {
  if (verdict.undecided) return;
  require(verdict.fault.empty(), "another parser minds: " + verdict.fault + " in " + heard);
  std::vector<oracle::Framed> ours;
  for (const auto& message : reading.messages)
    if (message.complete) ours.push_back({message.start.substr(0, message.start.rfind(' ')), message.body});
  require(ours == verdict.messages, "another parser frames this otherwise: " + heard);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned choice = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  mediate::RestPair pair(rules_of(choice));
  std::size_t answered = 0;
  if (data[1] == 0) {
    pair.say(pair.from_client, bytes, 0);
    if ((choice & 4U) == 0) answer(pair, answered);
  } else {
    for (std::size_t at = 0; at < bytes.size(); at += data[1]) {
      pair.say(pair.from_client, bytes.substr(at, data[1]), 0);
      if ((choice & 4U) == 0) answer(pair, answered);
    }
  }
  if ((choice & 8U) != 0) pair.expire();
  pair.end(pair.from_client);

  const auto reading = oracle::read_requests(pair.server_heard);
  require(reading.fault.empty(), "not strict HTTP: " + reading.fault);
  require(reading.rest.empty(), "bytes that belong to no request: " + reading.rest);
  require(oracle::identity_fault(reading, "web", "admin").empty(), "identity");
  for (const auto& message : reading.messages) check_allowed(message, choice);
  judge(pair.server_heard, reading, oracle::http_parser_requests(pair.server_heard));
  judge(pair.server_heard, reading, oracle::beast_requests(pair.server_heard));
  return 0;
}
