// What a REST link refuses, in which words, and that nothing of it reaches the provider.
#include <gtest/gtest.h>

#include "rest_bench.h"

namespace xc::mediate {
namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: svc\r\n\r\n";
const std::string get_sent = "GET /a HTTP/1.1\r\nHost: svc\r\n" + identity + "\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

struct Bad {
  std::string bytes;
  std::string status_line;
  std::string error;
};

/// Each is refused with nothing forwarded, however it arrives; and what follows it is never read.
void refuse_all(const std::vector<Bad>& cases) {
  for (const Bad& bad : cases) {
    SCOPED_TRACE(bad.bytes.substr(0, 120));
    converse({{Line::client, bad.bytes},
              {Line::at_server, ""},
              {Line::at_client, refused(bad.status_line, bad.error)},
              {Line::ended}});
    RestBench bench;
    bench.client_says(bad.bytes + get);
    EXPECT_EQ(bench.server_hears(), "");
  }
}

std::string with_field(const std::string& line) {
  return "GET /a HTTP/1.1\r\nHost: svc\r\n" + line + "\r\n\r\n";
}

TEST(RestRefusal, OfStartLines) {
  const std::string no_method = "the request line begins with no method";
  const std::string no_version = "the request line names no HTTP version";
  const std::string not_spoken = "only HTTP/1.0 and HTTP/1.1 are spoken here";
  refuse_all(
      {{" GET / HTTP/1.1\r\n\r\n", "400 Bad Request", no_method},
       {"GET\t/ HTTP/1.1\r\n\r\n", "400 Bad Request", no_method},
       {"\r\n\r\n" + get, "400 Bad Request", no_method},
       {std::string(33, 'A') + " / HTTP/1.1\r\n\r\n", "400 Bad Request", no_method},
       {"G@T / HTTP/1.1\r\n\r\n", "400 Bad Request", no_method},
       {"GET /\r\n\r\n", "400 Bad Request", no_version},
       {"GET  / HTTP/1.1\r\n\r\n", "400 Bad Request", "the request line has no target"},
       {"GET /  HTTP/1.1\r\n\r\n", "400 Bad Request", "the start line names no HTTP version"},
       {"GET / HTTP/1.1 \r\n\r\n", "400 Bad Request", "the start line names no HTTP version"},
       {"GET / http/1.1\r\n\r\n", "400 Bad Request", "the start line names no HTTP version"},
       {"GET / HTTP/1.10\r\n\r\n", "400 Bad Request", "the start line names no HTTP version"},
       {"GET / HTTP/0.9\r\n\r\n", "505 HTTP Version Not Supported", not_spoken},
       {"GET / HTTP/1.2\r\n\r\n", "505 HTTP Version Not Supported", not_spoken},
       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported", not_spoken},
       {"CONNECT svc:80 HTTP/1.1\r\nHost: svc:80\r\n\r\n", "501 Not Implemented",
        "CONNECT and TRACE are not spoken here"},
       {"TRACE /a HTTP/1.1\r\nHost: svc\r\n\r\n", "501 Not Implemented", "CONNECT and TRACE are not spoken here"}});
}

TEST(RestRefusal, OfTargets) {
  const std::string no_path = "the request target is not a path of RFC 3986";
  for (const std::string target : {"a", "*", "/a#b", "/a\\b", "/a%0", "/a%gg", "/a%00b", "/\xc3\xa9", "/a\"b", "/a?b c",
                                   "/a?%zz", "unix:///run/x", "https://svc/a", "http:/svc/a", "/a\x7f", "/a?\x01"}) {
    const bool blank = target.find(' ') != target.npos;
    const std::string bytes = "GET " + target + " HTTP/1.1\r\nHost: svc\r\n\r\n";
    refuse_all({{bytes, "400 Bad Request", blank ? "the start line names no HTTP version" : no_path}});
  }
  refuse_all(
      {{"GET /../a HTTP/1.1\r\nHost: svc\r\n\r\n", "400 Bad Request", "the request target climbs above the root"},
       {"GET /a/%2e%2E/.. HTTP/1.1\r\nHost: svc\r\n\r\n", "400 Bad Request",
        "the request target climbs above the root"},
       {"GET http://evil/a HTTP/1.1\r\nHost: svc\r\n\r\n", "400 Bad Request",
        "the request target names another authority than Host"},
       {"GET http://user@svc/a HTTP/1.1\r\nHost: svc\r\n\r\n", "400 Bad Request",
        "the request target names another authority than Host"},
       {"GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: svc\r\n\r\n", "414 URI Too Long",
        "the request target is too long"}});
}

TEST(RestRefusal, OfFieldLines) {
  const std::string not_token = "a field line is not a token followed by a colon";
  const std::string control = "a field value has a control character";
  const std::string fold = "a field line is folded (obs-fold)";
  refuse_all({{with_field("X-PV-Client : root"), "400 Bad Request", not_token},
              {with_field("X-PV-Client\t: root"), "400 Bad Request", not_token},
              {with_field("X PV: root"), "400 Bad Request", not_token},
              {with_field(": root"), "400 Bad Request", not_token},
              {with_field("no colon"), "400 Bad Request", not_token},
              {with_field("\xa0X: y"), "400 Bad Request", not_token},
              {with_field(std::string("X\0: y", 5)), "400 Bad Request", not_token},
              {with_field(std::string("X: a\0b", 6)), "400 Bad Request", control},
              {with_field("X: a\rX-PV-Client: root"), "400 Bad Request", "a line has a bare CR"},
              {"GET /a HTTP/1.1\rHost: svc\r\r", "400 Bad Request", "a line has a bare CR"},
              {"GET /a HTTP/1.1\r\nHost: svc\r\r", "400 Bad Request", "a line has a bare CR"},
              {with_field("X: a\x7f"), "400 Bad Request", control},
              {with_field("X: a\r\n folded"), "400 Bad Request", fold},
              {with_field("X-PV-Client:\r\n\tweb"), "400 Bad Request", fold},
              {"GET /a HTTP/1.1\r\n Host: svc\r\n\r\n", "400 Bad Request", fold},
              {"GET /a HTTP/1.1\r\nHost: svc\r\nX: y\n\r\n\r\n", "400 Bad Request", "a line ends with a bare LF"},
              {"GET /a HTTP/1.1\nHost: svc\n\n", "400 Bad Request", "a line ends with a bare LF"}});
}

TEST(RestRefusal, OfAmbiguousFraming) {
  const std::string odd = "Content-Length is not a plain decimal number";
  const std::string coding = "Transfer-Encoding is not exactly \\\"chunked\\\"";
  for (const std::string value : {"", "+5", "-1", "05", "0x5", "5.0", "5,5", "5, 6", "5;", "5 5", "1e1", "5_0",
                                  "18446744073709551621", "9223372036854775807", "\xd9\xa5"})
    refuse_all({{with_field("Content-Length: " + value), "400 Bad Request", odd}});
  for (const std::string value : {"", "chunke", "identity", "gzip, chunked", "chunked, chunked", ", chunked",
                                  "chunked,", "\"chunked\"", "chunked;a=b", "x chunked"})
    refuse_all({{with_field("Transfer-Encoding: " + value), "501 Not Implemented", coding}});
  const std::string alias = "a field name passes for one that frames or routes the message";
  refuse_all(
      {{with_field("Content-Length: 5\r\nContent-Length: 5"), "400 Bad Request", "more than one Content-Length"},
       {with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), "400 Bad Request",
        "more than one Transfer-Encoding"},
       {with_field("Content-Length: 5\r\nTransfer-Encoding: chunked"), "400 Bad Request",
        "both Transfer-Encoding and Content-Length"},
       {"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400 Bad Request", "Transfer-Encoding in HTTP/1.0"},
       {with_field("Content_Length: 5"), "400 Bad Request", alias},
       {with_field("transfer.encoding: chunked"), "400 Bad Request", alias},
       {with_field("Transfer-Encoding~~: chunked"), "400 Bad Request", alias},
       {with_field("content-lengthy: 5"), "400 Bad Request", alias},
       {with_field("Connection: Content-Length\r\nContent-Length: 5"), "400 Bad Request",
        "Connection names a field that frames or routes"},
       {with_field("Connection: a b"), "400 Bad Request", "Connection is not a short list of tokens"}});
}

TEST(RestRefusal, OfHosts) {
  refuse_all({{"GET /a HTTP/1.1\r\n\r\n", "400 Bad Request", "HTTP/1.1 without Host"},
              {with_field("Host: svc"), "400 Bad Request", "more than one Host"},
              {"GET /a HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", "400 Bad Request", "more than one Host"}});
  for (const std::string host :
       {"a, b", "a,b", "a b", "a/b", "u@a", "a:b", "a:123456", "[::1", "[]", "[::1]x", "a%2", "\xe9"})
    refuse_all({{"GET /a HTTP/1.1\r\nHost: " + host + "\r\n\r\n", "400 Bad Request", "Host is not one host name"}});
  for (const std::string host :
       {"svc", "a_b.c-d~e", "a:80", "a:", "[::1]", "[::1]:80", "%2Frun%2Fx.sock", "10.0.0.1:9"})
    converse({{Line::client, "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"},
              {Line::at_server, "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + identity + "\r\n"}});
  // Valid, and still refused by some servers: so it gets a name.
  converse({{Line::client, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
            {Line::at_server, "GET / HTTP/1.1\r\nHost: localhost\r\n" + identity + "\r\n"}});
}

TEST(RestRefusal, OfUnknownExpectations) {
  refuse_all({{with_field("Expect: 200-ok"), "417 Expectation Failed", "Expect is not 100-continue"}});
}

TEST(RestRefusal, OfHeadsAboveTheLimits) {
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  refuse_all({{"GET /a HTTP/1.1\r\n" + many + "\r\n", "431 Request Header Fields Too Large", "too many fields"}});
  const std::string long_field = "X: " + std::string(33'000, 'y') + "\r\n";
  RestBench bench;
  bench.client_says("GET /a HTTP/1.1\r\n" + long_field);
  EXPECT_EQ(bench.client_hears(), refused("431 Request Header Fields Too Large", "the head is too long"));
  EXPECT_TRUE(bench.over());
  for (const std::size_t length : {9'000U, 40'000U}) {
    RestBench endless;
    endless.client_says(std::string(length, 'A'));
    EXPECT_EQ(endless.client_hears(), refused("414 URI Too Long", "the request line is too long"));
  }
}

TEST(RestRefusal, AHeadOfExactlyTheLimitPasses) {
  const std::string start = "GET /a HTTP/1.1\r\nHost: svc\r\nX: ";
  for (const std::size_t excess : {0U, 1U}) {
    RestBench bench;
    bench.client_says(start + std::string(limits::head_bytes - start.size() - 4 + excess, 'y') + "\r\n\r\n");
    EXPECT_EQ(bench.server_hears().empty(), excess == 1);
  }
}

TEST(RestRefusal, RemovesEveryAliasOfIdentityInstead) {
  for (const std::string name : {"X-PV-Client", "x-pv-client", "X_PV_Client", "X-PV_Role", "x_pv_role", "X.PV.Role",
                                 "X!PV!Client", "X+PV+Client", "X-PV-Anything", "X~PV|", "x-pv-"})
    converse({{Line::client, with_field(name + ": root\r\nX-Pvt: kept")},
              {Line::at_server, "GET /a HTTP/1.1\r\nHost: svc\r\n" + identity + "X-Pvt: kept\r\n\r\n"}});
  converse({{Line::client, with_field("Connection: X-PV-Client, x-pv-role")}, {Line::at_server, get_sent}});
}

TEST(RestRefusal, ForgivesOneEmptyLineBeforeARequest) {
  converse({{Line::client, "\r\n" + get + "\r\n" + get}, {Line::at_server, get_sent + get_sent}});
}

TEST(RestRefusal, ComesAfterTheResponsesToEarlierRequests) {
  converse(
      {{Line::client, get + "GET / HTTP/9.9\r\n\r\n" + get},
       {Line::at_server, get_sent},
       {Line::at_client, ""},
       {Line::alive},
       {Line::server, ok},
       {Line::at_client, ok + refused("505 HTTP Version Not Supported", "only HTTP/1.0 and HTTP/1.1 are spoken here")},
       {Line::ended}});
}

TEST(RestRefusal, OfChunksPassesNothingWhenTheRequestCameInOnePiece) {
  const std::string head = "POST /a HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body : {"x\r\n",
                                 "\r\n",
                                 "5\nabcde\r\n0\r\n\r\n",
                                 "5\r\nabcde\n0\r\n\r\n",
                                 "5\r\nabcdefgh\r\n0\r\n\r\n",
                                 "5 \r\nabcde\r\n0\r\n\r\n",
                                 "0x5\r\nabcde\r\n0\r\n\r\n",
                                 "-5\r\n",
                                 "+5\r\n",
                                 " 5\r\n",
                                 "5;\r\nabcde\r\n0\r\n\r\n",
                                 "5;a=\"\r\nabcde\r\n0\r\n\r\n",
                                 "5;a\nabcde\r\n0\r\n\r\n",
                                 "5;a=\r\nabcde\r\n",
                                 "10000000000000005\r\n",
                                 "FFFFFFFFFFFFFFFF\r\n",
                                 "00000000000000001\r\nx\r\n0\r\n\r\n",
                                 "20000000000\r\n",
                                 "0\r\nX PV: root\r\n\r\n",
                                 "0\r\nX: a\n\r\n",
                                 "0\r\n folded\r\n\r\n",
                                 "3\r\nabc\r\n\r\n0\r\n\r\n",
                                 "5\rabcde\r0\r\r",
                                 "5;a\rabcde\r0\r\r",
                                 "5zabcde",
                                 "0\r\nX: a\r\r"}) {
    SCOPED_TRACE(body);
    RestBench bench;
    bench.client_says(head + body + (body.ends_with('\n') ? get : ""));  // the others are not waited for
    EXPECT_EQ(bench.server_hears(), "");
    EXPECT_EQ(bench.client_hears(), refused("400 Bad Request", "the body is not in the chunked coding"));
    EXPECT_TRUE(bench.over());

    RestBench slow;
    slow.piece = 1;
    slow.client_says(head + body + (body.ends_with('\n') ? get : ""));
    const std::string heard = slow.server_hears();
    EXPECT_EQ(heard.find("0\r\n\r\n"), heard.npos) << "a complete request";
    EXPECT_EQ(heard.find("GET"), heard.npos);
    EXPECT_EQ(slow.client_hears(), refused("400 Bad Request", "the body is not in the chunked coding"));
    EXPECT_TRUE(slow.over());
  }
}

TEST(RestRefusal, OfABrokenBodyCutsTheProviderAtOnceAndKeepsTheOrderOfAnswers) {
  converse({{Line::client, get + "POST /b HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n"},
            {Line::client, "3\r\nabc\r\n"},
            {Line::alive},
            {Line::client, "x\r\n"},
            {Line::server_told},
            {Line::at_client, ""},
            {Line::server, ok},
            {Line::at_client, ok + refused("400 Bad Request", "the body is not in the chunked coding")},
            {Line::ended}});
}

TEST(RestRefusal, OfHalfARequestWhenTheClientLeaves) {
  converse({{Line::client, "GET /a HT"},
            {Line::client_ends},
            {Line::at_server, ""},
            {Line::at_client, refused("400 Bad Request", "the connection ended in the middle of a head")},
            {Line::ended}});
  converse({{Line::client, "POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 50\r\n\r\nabc"},
            {Line::client_ends},
            {Line::at_server, "POST /a HTTP/1.1\r\nHost: svc\r\n" + identity + "Content-Length: 50\r\n\r\nabc"},
            {Line::at_client, refused("400 Bad Request", "the connection ended in the middle of a body")},
            {Line::ended}});
}

TEST(RestRefusal, TellsWhyNoProviderAnswers) {
  const auto check = [](Upstream upstream, const std::string& answer) {
    converse({{Line::client, get}, {Line::at_server, ""}, {Line::at_client, answer}, {Line::ended}}, {}, upstream);
  };
  check(Upstream::absent,
        answer_text("503 Service Unavailable",
                    "{\"error\":\"nobody offers the service at the moment\",\"service\":\"api\",\"role\":\"admin\"}\n",
                    true, "Retry-After: 1\r\n"));
  check(Upstream::failed, refused("502 Bad Gateway", "the provider of the service cannot be reached"));
  check(Upstream::denied, refused("403 Forbidden", "the provider or the host's policy refuses this client"));
}

TEST(RestRefusal, OfHeadHasNoBody) {
  RestBench bench({}, Upstream::failed);
  bench.client_says("HEAD /a HTTP/1.1\r\nHost: svc\r\n\r\n");
  const std::string heard = bench.client_hears();
  EXPECT_TRUE(heard.ends_with("\r\n\r\n")) << heard;
  EXPECT_NE(heard.find("Content-Length: "), heard.npos);
}

TEST(RestRefusal, WithoutAnIdentityThatFitsAFieldNothingPasses) {
  const std::string bad = "web\r\nX: y", role = "admin", service = "api";
  const model::Rights rights;
  Tally tally;
  const auto mediator = make_rest({model::Type::rest, bad, role, service, rights, Upstream::connected, tally, nullptr});
  Stream from_client, to_server, from_server, to_client;
  from_client.append(get);
  ASSERT_TRUE(mediator->advance({from_client, to_server, from_server, to_client}));
  EXPECT_TRUE(to_server.empty());
  EXPECT_TRUE(to_client.data().starts_with("HTTP/1.1 500 ")) << to_client.data();
}

}  // namespace
}  // namespace xc::mediate
