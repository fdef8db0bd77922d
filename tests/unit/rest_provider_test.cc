// Providers that misbehave: a REST link believes their responses no more than a client's requests.
#include <gtest/gtest.h>

#include "rest_bench.h"

namespace xc::mediate {
namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: svc\r\n\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

TEST(RestProvider, GivesAMalformedResponse) {
  const auto check = [](const std::string& response, const std::string& why) {
    SCOPED_TRACE(response.substr(0, 100));
    converse({{Line::client, get},
              {Line::server, response},
              {Line::at_client, refused("502 Bad Gateway", why)},
              {Line::ended}});
  };
  const std::string malformed = "the provider's answer is malformed: ";
  check("HTTP/1.1 200 OK\nX: y\n\n", "the provider's answer is no HTTP response");
  check("\r\n\r\n", malformed + "the start line names no HTTP version");
  check("HTTP/2.0 200 OK\r\n\r\n", malformed + "only HTTP/1.0 and HTTP/1.1 are spoken here");
  check("ICY 200 OK\r\n\r\n", malformed + "the start line names no HTTP version");
  check("HTTP/1.1 20 OK\r\n\r\n", malformed + "the status line has no status of three digits");
  check("HTTP/1.1 099 OK\r\n\r\n", malformed + "the status is not between 100 and 599");
  check("HTTP/1.1 600 OK\r\n\r\n", malformed + "the status is not between 100 and 599");
  check("HTTP/1.1 2000 OK\r\n\r\n", malformed + "the status line has no space after the status");
  check("HTTP/1.1 200 a\x01b\r\n\r\n", malformed + "the reason phrase has a control character");
  check(std::string("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", 27), malformed + "a field value has a control character");
  check("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", malformed + "a field line is not a token followed by a colon");
  check("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", malformed + "a field line is folded (obs-fold)");
  check("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", malformed + "Content-Length is not a plain decimal number");
  check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        malformed + "more than one Content-Length");
  check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        malformed + "both Transfer-Encoding and Content-Length");
  check("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        malformed + "Transfer-Encoding is not exactly \\\"chunked\\\"");
  check("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", malformed + "Transfer-Encoding in HTTP/1.0");
  check("HTTP/1.1 200 OK\r\nX: " + std::string(33'000, 'y') + "\r\n\r\n", "the provider's answer is no HTTP response");
}

TEST(RestProvider, MayLeaveOutTheReasonPhrase) {
  for (const std::string line : {"HTTP/1.1 200", "HTTP/1.1 200 "})
    converse({{Line::client, get},
              {Line::server, line + "\r\nContent-Length: 0\r\n\r\n"},
              {Line::at_client, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"}});
}

TEST(RestProvider, LeavesWithoutAnAnswer) {
  converse({{Line::client, get},
            {Line::server_ends},
            {Line::at_client, refused("502 Bad Gateway", "the provider closed the connection without an answer")},
            {Line::ended}});
  converse({{Line::client, get},
            {Line::server, "HTTP/1.1 200 O"},
            {Line::server_ends},
            {Line::at_client, refused("502 Bad Gateway", "the provider's answer ends in the middle of its head")},
            {Line::ended}});
}

TEST(RestProvider, LeavesBeforeItWasAsked) {
  converse({{Line::server_ends},
            {Line::alive},
            {Line::client, get},
            {Line::at_server, ""},
            {Line::at_client, refused("502 Bad Gateway", "the provider of the service cannot be reached")},
            {Line::ended}});
}

TEST(RestProvider, LeavesInTheMiddleOfABody) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  converse({{Line::client, get},
            {Line::server, head + "ab"},
            {Line::server_ends},
            {Line::at_client, head + "ab"},
            {Line::ended}});
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  converse({{Line::client, get},
            {Line::server, chunked + "2\r\nab\r\n5"},
            {Line::server_ends},
            {Line::at_client, chunked + "2\r\nab\r\n"},
            {Line::ended}});
}

TEST(RestProvider, BreaksItsChunks) {
  RestBench bench;
  bench.client_says(get);
  bench.server_says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n");
  const std::string heard = bench.client_hears();
  EXPECT_EQ(heard, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab");
  EXPECT_TRUE(bench.over());
}

TEST(RestProvider, SpeaksBeforeItWasAsked) {
  converse({{Line::server, ok}, {Line::at_client, ""}, {Line::ended}});
  RestBench bench;
  bench.from_server.append(ok);  // both arrive before the mediator looks
  bench.client_says(get);
  EXPECT_EQ(bench.client_hears(), "");
  EXPECT_EQ(bench.server_hears(), "");
  EXPECT_TRUE(bench.over());
}

TEST(RestProvider, AnswersOnceMoreThanItWasAsked) {
  RestBench bench;
  bench.client_says(get);
  bench.server_says(ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake");
  EXPECT_EQ(bench.client_hears(), ok);
  EXPECT_TRUE(bench.over());
}

TEST(RestProvider, SendsInterimResponsesWithoutEnd) {
  std::string flood, passed;
  for (int i = 0; i < 40; ++i) flood += "HTTP/1.1 102 Processing\r\n\r\n";
  passed = flood.substr(0, flood.size() / 40 * 16);
  converse({{Line::client, get},
            {Line::server, flood},
            {Line::at_client, passed + refused("502 Bad Gateway", "the provider sends interim responses without end")},
            {Line::ended}});
}

TEST(RestProvider, SwitchesProtocolsUnasked) {
  converse({{Line::client, get},
            {Line::server, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nGET / HTTP"},
            {Line::at_client, refused("502 Bad Gateway", "the provider switches to a protocol that nobody asked for")},
            {Line::ended}});
}

TEST(RestProvider, CannotWriteIdentityEither) {
  converse({{Line::client, get},
            {Line::server, "HTTP/1.1 200 OK\r\nX_PV_Role: root\r\nContent-Length: 0\r\n\r\n"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}});
}

TEST(RestProvider, ThatClosesEarlyLeavesLaterRequestsUnanswered) {
  converse({{Line::client, get + get},
            {Line::server, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi" + ok},
            {Line::at_client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"},
            {Line::ended}});
}

TEST(RestProvider, ThatTakesNoRequestBodyIsNotWaitedForForEver) {
  RestBench bench;
  bench.client_says("POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 500000\r\n\r\n");
  bench.sip = 0;
  bench.client_says(std::string(200'000, 'x'));
  EXPECT_EQ(bench.patience(), limits::response_time);
  bench.expire();
  EXPECT_TRUE(bench.to_server.ended());
  EXPECT_TRUE(bench.to_client.data().starts_with("HTTP/1.1 504 ")) << bench.to_client.data();
}

}  // namespace
}  // namespace xc::mediate
