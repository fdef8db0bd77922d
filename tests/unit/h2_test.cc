// An HTTP/2 connection through the mediator, frame by frame: what one stream does to the next.
#include <gtest/gtest.h>

#include "mediate/h2_session.h"
#include "mediate/rest_limits.h"
#include "two_peers.h"

namespace xc::mediate {
namespace {

constexpr char headers = 1;
constexpr char settings = 4;
constexpr char end_of_both = 5;  // END_STREAM and END_HEADERS

std::string frame(char type, char flags, char stream, const std::string& body) {
  const std::string size{'\0', static_cast<char>(body.size() >> 8U), static_cast<char>(body.size() & 0xffU)};
  return size + type + flags + std::string(3, '\0') + stream + body;
}

/// RFC 7541, 6.2.2: every field a literal that nobody remembers.
std::string block(const h2::Lines& lines) {
  std::string bytes;
  for (const auto& [name, value] : lines)
    bytes += '\0' + std::string(1, static_cast<char>(name.size())) + name + static_cast<char>(value.size()) + value;
  return bytes;
}

h2::Lines get(const std::string& path) {
  return {{":method", "GET"}, {":scheme", "http"}, {":authority", "svc"}, {":path", path}};
}

h2::Lines with(h2::Lines lines, const h2::Lines& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

class Http2 : public testing::Test {
 protected:
  static model::RoleRules rules() {
    model::RoleRules rules;
    rules.rest.emplace().all = true;
    rules.rest->protocol = "h2c";
    return rules;
  }
  /// A peer's own beginning, and what it says after it.
  static std::string opening() { return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(settings, 0, 0, ""); }

  TwoPeers peers_{"web", model::Type::rest, rights_of({rules()})};
};

TEST_F(Http2, NothingOfAMalformedHeadGoesOnWithTheNext) {
  const h2::Lines secret = with(get("/a"), {{"authorization", "secret"}, {"te", "trailers"}, {"No Name", "x"}});
  EXPECT_EQ(peers_.feed(peers_.from_client, opening() + frame(headers, end_of_both, 1, block(secret))), "");
  EXPECT_EQ(peers_.feed(peers_.from_client, frame(headers, end_of_both, 3, block(get("/b")))), "");
  TwoPeers others("web", model::Type::rest, rights_of({rules()}));
  EXPECT_EQ(others.feed(others.from_client, opening() + frame(headers, end_of_both, 1, block(get("/b")))), "");
  EXPECT_EQ(peers_.to_server.data(), others.to_server.data());
  EXPECT_EQ(peers_.tally.messages, 1U);
}

TEST_F(Http2, NothingOfAMalformedResponseGoesOnWithTheNext) {
  for (const char stream : {'\1', '\3'})
    EXPECT_EQ(peers_.feed(peers_.from_client,
                          (stream == 1 ? opening() : "") + frame(headers, end_of_both, stream, block(get("/a")))),
              "");
  peers_.to_client.consume(peers_.to_client.data().size());
  const h2::Lines cookie{{":status", "200"}, {"set-cookie", "secret"}, {"No Name", "x"}};
  EXPECT_EQ(peers_.feed(peers_.from_server, frame(settings, 0, 0, "") + frame(headers, end_of_both, 1, block(cookie))),
            "");
  peers_.to_client.consume(peers_.to_client.data().size());
  EXPECT_EQ(peers_.feed(peers_.from_server, frame(headers, end_of_both, 3, block({{":status", "200"}}))), "");
  EXPECT_EQ(peers_.to_client.data(), frame(headers, end_of_both, 3, "\x88"));  // :status 200, of the static table
}

TEST_F(Http2, ARequestThatAnnouncesAWaitIsWaitedForAndNoOther) {
  const auto say = [&](char stream, const h2::Lines& lines) {
    EXPECT_EQ(peers_.feed(peers_.from_client,
                          (stream == 1 ? opening() : "") + frame(headers, end_of_both, stream, block(lines))),
              "");
  };
  say(1, with(get("/a"), {{"prefer", "wait=300"}}));
  say(3, with(get("/a"), {{"accept", "text/event-stream"}}));
  EXPECT_EQ(peers_.mediator().patience(), std::nullopt);
  say(5, get("/a"));
  EXPECT_EQ(peers_.mediator().patience(), limits::response_time);
  EXPECT_TRUE(peers_.mediator().expire({peers_.from_client, peers_.to_server, peers_.from_server, peers_.to_client}));
  EXPECT_EQ(peers_.tally.refusals, 1U);
  EXPECT_EQ(peers_.mediator().patience(), std::nullopt);
}

}  // namespace
}  // namespace xc::mediate
