// Any bytes of a provider through the REST mediator: whatever reaches the client is strict HTTP/1.1 that three readers
// frame alike, our own answers included.
//
// The first byte chooses the requests, the second the size of the pieces.
#include <cstdint>

#include "http_oracle.h"
#include "http_others.h"
#include "rest_pair.h"

namespace {

using namespace xc;
using mediate::require;

struct Script {
  std::string bytes;
  std::vector<std::string> methods;
};

Script requests_of(unsigned choice) {
  const std::string host = " /a HTTP/1.1\r\nHost: svc\r\n";
  switch (choice % 8) {
    case 0: return {"GET" + host + "\r\n", {"GET"}};
    case 1: return {"HEAD" + host + "\r\nGET" + host + "\r\n", {"HEAD", "GET"}};
    case 2: return {"GET /a HTTP/1.0\r\n\r\n", {"GET"}};
    case 3: return {"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", {"GET"}};
    case 4: return {"GET" + host + "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n", {"GET"}};
    case 5: return {"POST" + host + "Content-Length: 9\r\n\r\nabc", {"POST"}};
    case 6:
      return {"GET" + host + "\r\nHEAD" + host + "\r\nGET" + host + "\r\nbad\r\n\r\n", {"GET", "HEAD", "GET", "?"}};
    default: return {"GET" + host + "Connection: close\r\n\r\n", {"GET"}};
  }
}

void judge(const std::string& heard, const oracle::Reading& reading, const oracle::Verdict& verdict) {
  if (verdict.undecided) return;
  require(verdict.fault.empty() || verdict.fault == "HPE_INVALID_EOF_STATE",
          "another parser minds: " + verdict.fault + " in " + heard);
  std::vector<oracle::Framed> ours;
  for (const auto& message : reading.messages)
    if (message.complete) ours.push_back({message.start.substr(9, 3), message.body});
  std::string difference;
  for (const auto& m : ours) difference += " [" + m.start + ' ' + m.body + ']';
  for (const auto& m : verdict.messages) difference += " <" + m.start + ' ' + m.body + '>';
  require(ours == verdict.messages, "another parser frames this otherwise:" + difference + " in " + heard);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned choice = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  model::RoleRules rules;
  rules.rest = model::RestRules{true, true, {}};
  const Script script = requests_of(choice);
  mediate::RestPair pair(rules);
  pair.say(pair.from_client, script.bytes, 0);
  require(pair.client_heard.empty(), "an answer before the provider spoke");
  pair.say(pair.from_server, bytes, data[1]);
  if ((choice & 8U) != 0) pair.expire();
  if ((choice & 16U) != 0) pair.end(pair.from_server);

  const bool ended = pair.to_client.ended();
  const auto reading = oracle::read_responses(pair.client_heard, script.methods, ended);
  const bool tunnel = !reading.messages.empty() && reading.messages.back().start.starts_with("HTTP/1.1 101");
  require(reading.fault.empty(), "not strict HTTP: " + reading.fault);
  require(tunnel || reading.rest.empty(), "bytes that belong to no response: " + reading.rest);
  require(!tunnel || choice % 8 == 4, "a switch that nobody asked for");
  for (const auto& message : reading.messages)
    for (const auto& [name, value] : message.fields)
      require(!oracle::canonical(name).starts_with("x-pv-"), "identity from a provider");
  judge(pair.client_heard, reading, oracle::http_parser_responses(pair.client_heard, script.methods, ended));
  judge(pair.client_heard, reading, oracle::beast_responses(pair.client_heard, script.methods, ended));
  return 0;
}
