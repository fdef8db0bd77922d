// Bytes on the wire against the REST mediator: every case of tests/cases/http.json, whole and a byte at a time, with a
// provider that behaves as the case says.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "http_oracle.h"
#include "rest_bench.h"

namespace xc::mediate {
namespace {

using nlohmann::json;

std::string decode(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6U | static_cast<std::uint32_t>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xffU);
  }
  return out;
}

/// Plays the provider of a case: sees what the mediator passed on, answers each complete request once.
class Provider {
 public:
  explicit Provider(std::string behaviour) : behaviour_(std::move(behaviour)) {}

  void hear(RestBench& bench) {
    for (;;) {
      const std::string news = bench.server_hears();
      if (news.empty()) return;
      heard += news;
      if (tunnel_) {
        bench.server_says("tunnel:" + news);
        continue;
      }
      const auto reading = oracle::read_requests(heard);
      for (; answered_ < reading.messages.size() && reading.messages[answered_].complete; ++answered_)
        answer(bench, reading.messages[answered_]);
    }
  }

  std::string heard;

 private:
  void answer(RestBench& bench, const oracle::Message& request) {
    const std::string body = request.start.starts_with("HEAD ") ? "" : "ok";
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body;
    if (behaviour_ == "ok") {
      bench.server_says(ok);
    } else if (behaviour_.starts_with("101")) {
      tunnel_ = true;
      const std::string protocol = behaviour_ == "101-ws" ? "websocket" : "tcp";
      bench.server_says("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n");
    } else if (behaviour_ == "resp-100-flood") {
      for (int i = 0; i < 1000; ++i) bench.server_says("HTTP/1.1 100 Continue\r\n\r\n");
      bench.server_says(ok);
    } else if (behaviour_ == "resp-bare-lf") {
      bench.server_says("HTTP/1.1 200 OK\nX: y\nContent-Length: 2\n\nok");
    } else if (behaviour_ == "resp-neg-cl") {
      bench.server_says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok");
    } else if (behaviour_ == "resp-nul") {
      bench.server_says(std::string("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok", 47));
    } else {
      ADD_FAILURE() << "no such provider: " << behaviour_;
    }
  }

  std::string behaviour_;
  std::size_t answered_ = 0;
  bool tunnel_ = false;
};

std::vector<std::string> pieces_of(const json& c) {
  std::vector<std::string> pieces;
  if (c.contains("bytes_b64")) pieces.push_back(decode(c["bytes_b64"]));
  if (c.contains("steps"))
    for (const json& step : c["steps"]) pieces.push_back(decode(step.value("send_b64", "")));
  return pieces;
}

std::vector<std::string> strings_of(const json& c, const char* name) {
  return c.contains(name) ? c[name].get<std::vector<std::string>>() : std::vector<std::string>{};
}

/// Requests the provider could act on.
std::size_t complete(const oracle::Reading& reading) {
  return static_cast<std::size_t>(
      std::ranges::count_if(reading.messages, [](const auto& message) { return message.complete; }));
}

void check_verdict(const json& c, std::size_t reached, const std::string& answer, bool over) {
  const std::string verdict = c["verdict"];
  const std::size_t n = c["n"];
  const bool refused =
      answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 501") || answer.starts_with("HTTP/1.1 505");
  if (verdict == "forward") {
    EXPECT_EQ(reached, n);
  } else if (verdict == "reject") {
    EXPECT_EQ(reached, 0U);
    EXPECT_TRUE(refused) << answer;
    EXPECT_TRUE(over);
  } else {
    EXPECT_EQ(verdict, "either");
    EXPECT_TRUE(reached == n || (reached == 0 && (refused || over))) << reached << " requests reached the provider";
  }
}

model::RoleRules rules_for(const json& c) {
  model::RoleRules rules;
  if (c["group"] == "acl") rules.rest = model::RestRules{false, false, {{{"GET"}, {"/v1/items"}}}};
  if (c["backend"].get<std::string>().starts_with("101")) rules.rest = model::RestRules{true, true, {}};
  return rules;
}

/// In whole, nothing at all of a refused message reaches the provider; in pieces, no complete request does.
void run(const json& c, std::size_t piece) {
  RestBench bench(rules_for(c));
  bench.piece = piece;
  Provider provider(c["backend"]);
  for (const std::string& bytes : pieces_of(c)) {
    bench.client_says(bytes);
    provider.hear(bench);
  }
  const bool over = bench.over();
  const std::string answer = bench.client_hears();
  const auto reading = oracle::read_requests(provider.heard);
  EXPECT_EQ(reading.fault, "");
  EXPECT_EQ(oracle::identity_fault(reading, "web", "admin"), "");
  check_verdict(c, complete(reading), answer, over);
  if (c["verdict"] == "reject" && piece == SIZE_MAX) {
    EXPECT_EQ(provider.heard, "");
  }
  for (const auto& text : strings_of(c, "upstream_must_contain"))
    EXPECT_NE(provider.heard.find(text), std::string::npos) << text;
  for (const auto& text : strings_of(c, "upstream_must_not_contain"))
    EXPECT_EQ(provider.heard.find(text), std::string::npos) << text;
  for (const auto& text : strings_of(c, "client_must_contain")) EXPECT_NE(answer.find(text), std::string::npos) << text;
  for (const auto& text : strings_of(c, "client_must_not_contain"))
    EXPECT_EQ(answer.find(text), std::string::npos) << text;
  if (c["group"] == "acl") {
    for (const auto& message : reading.messages) EXPECT_EQ(message.start, "GET /v1/items HTTP/1.1");
  }
  EXPECT_EQ(bench.error, "");
  bench.client_ends();
  provider.hear(bench);
  if (c["n"] == 0) {
    EXPECT_EQ(complete(oracle::read_requests(provider.heard)), 0U);
  }
}

TEST(HttpCases, AllPassWholeAndAByteAtATime) {
  std::ifstream file(XC_SOURCE_DIR "/tests/cases/http.json");
  const json document = json::parse(file);
  ASSERT_EQ(document["identity"]["X-PV-Client"], "web");
  ASSERT_EQ(document["identity"]["X-PV-Role"], "admin");
  ASSERT_GT(document["cases"].size(), 100U);
  for (const json& c : document["cases"]) {
    SCOPED_TRACE(c["id"].get<std::string>());
    run(c, SIZE_MAX);
    run(c, 1);
  }
}

}  // namespace
}  // namespace xc::mediate
