// Ordinary traffic over a REST link: what passes, and how it is written anew.
#include <fcntl.h>
#include <gtest/gtest.h>

#include "rest_bench.h"

namespace xc::mediate {
namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: svc\r\n\r\n";
const std::string get_sent = "GET /a HTTP/1.1\r\nHost: svc\r\n" + identity + "\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

TEST(Rest, PassesARequestWithIdentityAndItsResponse) {
  converse(
      {{Line::client, get}, {Line::at_server, get_sent}, {Line::server, ok}, {Line::at_client, ok}, {Line::alive}});
}

TEST(Rest, KeepsTheConnectionForFurtherRequests) {
  std::vector<Line> lines;
  for (int i = 0; i < 5; ++i) {
    lines.insert(lines.end(),
                 {{Line::client, get}, {Line::at_server, get_sent}, {Line::server, ok}, {Line::at_client, ok}});
  }
  converse(lines);
}

TEST(Rest, PutsIdentityOnEachOfAThousandRequestsOfOneConnection) {
  const std::string forged =
      "GET /a HTTP/1.1\r\nHost: svc\r\nX-PV-Client: root\r\nx_pv_role: root\r\nX.PV.Role: root\r\n\r\n";
  std::string pipeline, expected, answers;
  for (int i = 0; i < 1000; ++i) {
    pipeline += forged;
    expected += get_sent;
    answers += ok;
  }
  RestBench bench;
  std::string heard, said;
  std::string_view rest = pipeline;
  for (int round = 0; round < 2000 && said.size() < answers.size(); ++round) {
    const std::size_t count = std::min(rest.size(), bench.from_client.room());
    bench.client_says(rest.substr(0, count));
    rest.remove_prefix(count);
    const std::string requests = bench.server_hears();
    EXPECT_LE(requests.size(), 64 * get_sent.size());
    heard += requests;
    for (std::size_t i = 0; i < requests.size() / get_sent.size(); ++i) bench.server_says(ok);
    said += bench.client_hears();
  }
  EXPECT_EQ(heard, expected);
  EXPECT_EQ(said, answers);
  EXPECT_EQ(bench.tally.messages, 1000U);
}

TEST(Rest, ForwardsPipelinedRequestsAtOnceAndResponsesInOrder) {
  converse({{Line::client, get + get + get},
            {Line::at_server, get_sent + get_sent + get_sent},
            {Line::server, ok + ok},
            {Line::at_client, ok + ok},
            {Line::server, ok},
            {Line::at_client, ok}});
}

TEST(Rest, WritesEveryConnectionAndFramingFieldAnew) {
  converse({{Line::client,
             "POST /a HTTP/1.1\r\nX-One:1 \r\nCONTENT-LENGTH:  3\r\nHOST:\tsvc\r\nConnection: keep-alive, X-Hop\r\n"
             "X-Hop: gone\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Connection: x\r\nx-two: a  b\r\n\r\nabc"},
            {Line::at_server, "POST /a HTTP/1.1\r\nHost: svc\r\n" + identity +
                                  "X-One: 1\r\nx-two: a  b\r\nContent-Length: 3\r\n\r\nabc"},
            {Line::server,
             "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: X-Secret\r\nX-Secret: 1\r\n"
             "content-length: 0\r\nA: b\r\n\r\n"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n"}});
}

TEST(Rest, PassesChunkedBodiesBothWaysWithoutExtensionsAndWithAllowedTrailersOnly) {
  converse(
      {{Line::client,
        "POST /a HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: Chunked\r\nTrailer: digest\r\n\r\n"
        "0005;a=b;c=\"d;e\\\"\"\r\nabcde\r\nA\r\n0123456789\r\n00\r\nDigest: x\r\nHost: evil\r\nx_pv_role: r\r\n\r\n"},
       {Line::at_server,
        "POST /a HTTP/1.1\r\nHost: svc\r\n" + identity +
            "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\na\r\n0123456789\r\n0\r\nDigest: x\r\n\r\n"},
       {Line::server,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ngrpc-status: 0\r\n"
        "Set-Cookie: a\r\n\r\n"},
       {Line::at_client,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ngrpc-status: 0\r\n\r\n"},
       {Line::alive}});
}

TEST(Rest, DeliversEachEventOfAStreamWithoutWaitingForMore) {
  RestBench bench;
  bench.client_says("GET /events HTTP/1.1\r\nHost: svc\r\nAccept: text/event-stream\r\n\r\n");
  bench.server_says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(bench.client_hears(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  bench.server_says("9\r\ndata: 1\n\n");
  EXPECT_EQ(bench.client_hears(), "9\r\ndata: 1\n\n");
  EXPECT_EQ(bench.patience(), std::nullopt);
}

TEST(Rest, EndsACloseDelimitedResponseWithTheConnection) {
  converse({{Line::client, get},
            {Line::at_server, get_sent},
            {Line::server, "HTTP/1.1 200 OK\r\n\r\nabc"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"},
            {Line::alive},
            {Line::server, "def"},
            {Line::server_ends},
            {Line::at_client, "def"},
            {Line::ended}});
}

TEST(Rest, KnowsThatHead204And304HaveNoBody) {
  converse({{Line::client, "HEAD /a HTTP/1.1\r\nHost: svc\r\n\r\n" + get + get + get},
            {Line::server,
             "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
             "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n" +
                 ok},
            {Line::at_client,
             "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
             "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n" +
                 ok},
            {Line::alive}});
}

TEST(Rest, PassesExpectationAndContinue) {
  converse({{Line::client, "POST /a HTTP/1.1\r\nHost: svc\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n"},
            {Line::at_server,
             "POST /a HTTP/1.1\r\nHost: svc\r\n" + identity + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"},
            {Line::server, "HTTP/1.1 100 Continue\r\n\r\n"},
            {Line::at_client, "HTTP/1.1 100 Continue\r\n\r\n"},
            {Line::client, "abc"},
            {Line::at_server, "abc"},
            {Line::server, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok},
            {Line::at_client, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok}});
}

TEST(Rest, AnEarlyFinalAnswerLeavesTheRestOfTheBodyFramed) {
  converse({{Line::client, "POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 6\r\n\r\nabc"},
            {Line::server, ok},
            {Line::at_client, ok},
            {Line::client, "GET" + get},
            {Line::at_server,
             "POST /a HTTP/1.1\r\nHost: svc\r\n" + identity + "Content-Length: 6\r\n\r\nabcGET" + get_sent}});
}

TEST(Rest, EndsAfterTheResponseWhenTheClientSaysClose) {
  converse({{Line::client, "GET /a HTTP/1.1\r\nHost: svc\r\nConnection: Close\r\n\r\n" + get},
            {Line::at_server, "GET /a HTTP/1.1\r\nHost: svc\r\n" + identity + "Connection: close\r\n\r\n"},
            {Line::alive},
            {Line::server, ok},
            {Line::at_client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"},
            {Line::at_server, ""},
            {Line::ended}});
}

TEST(Rest, AnnouncesTheEndThatTheProviderAnnounces) {
  converse({{Line::client, get},
            {Line::server, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"},
            {Line::ended}});
  converse({{Line::client, get},
            {Line::server, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"},
            {Line::ended}});
}

TEST(Rest, ServesHttp10WithoutChunksAndWithoutInterimResponses) {
  converse({{Line::client, "GET /a HTTP/1.0\r\n\r\n"},
            {Line::at_server, "GET /a HTTP/1.1\r\nHost: localhost\r\n" + identity + "Connection: close\r\n\r\n"},
            {Line::server,
             "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
             "2;x\r\nde\r\n0\r\nDigest: x\r\n\r\n"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde"},
            {Line::ended}});
}

TEST(Rest, KeepsAnHttp10ConnectionThatAskedForIt) {
  const std::string request = "GET /a HTTP/1.0\r\nHost: svc\r\nConnection: keep-alive\r\n\r\n";
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi";
  converse({{Line::client, request + request},
            {Line::at_server, get_sent + get_sent},
            {Line::server, ok + ok},
            {Line::at_client, answer + answer},
            {Line::alive}});
}

TEST(Rest, TellsTheProviderWhenTheClientSendsNoMoreAndStillAnswersIt) {
  converse({{Line::client, get + get},
            {Line::client_ends},
            {Line::at_server, get_sent + get_sent},
            {Line::server_told},
            {Line::alive},
            {Line::server, ok + ok},
            {Line::at_client, ok + ok},
            {Line::ended}});
}

TEST(Rest, EndsQuietlyWhenEitherSideLeavesBetweenRequests) {
  converse({{Line::client, get},
            {Line::server, ok},
            {Line::at_client, ok},
            {Line::server_ends},
            {Line::at_client, ""},
            {Line::ended}});
  converse({{Line::client_ends}, {Line::at_client, ""}, {Line::ended}});
}

TEST(Rest, MovesBodiesOfAnySizeInBoundedMemory) {
  RestBench bench;
  constexpr std::size_t total = 32 * 1024 * 1024;
  bench.client_says("POST /up HTTP/1.1\r\nHost: svc\r\nContent-Length: " + std::to_string(total) + "\r\n\r\n");
  (void)bench.server_hears();
  const std::string block(60'000, 'x');
  std::size_t sent = 0, heard = 0;
  while (sent < total) {
    const std::size_t count = std::min(block.size(), total - sent);
    bench.from_client.append(std::string_view(block).substr(0, count));
    sent += count;
    bench.pump();
    EXPECT_EQ(bench.from_client.data().size(), 0U);
    heard += bench.server_hears().size();
  }
  EXPECT_EQ(heard, total);
  bench.server_says(ok);
  EXPECT_EQ(bench.client_hears(), ok);
}

TEST(Rest, StopsReadingWhenTheOtherSideTakesNothing) {
  RestBench bench;
  bench.sip = 0;  // nobody reads
  bench.client_says("POST /up HTTP/1.1\r\nHost: svc\r\nContent-Length: 1000000\r\n\r\n");
  for (int i = 0; i < 10; ++i) bench.client_says(std::string(50'000, 'x'));
  EXPECT_EQ(bench.from_client.room(), 0U);
  EXPECT_LE(bench.to_server.data().size(), Stream::default_capacity + 1024);
}

/// A descriptor on the next byte of `stream`; its number.
int pin_one(Stream& stream) {
  std::vector<Fd> descriptors;
  descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = descriptors.front().get();
  stream.pin(std::move(descriptors));
  return number;
}

TEST(Rest, ClosesDescriptorsWhereverTheyCome) {
  RestBench bench;
  bench.sip = 0;  // what would be passed on stays to be seen
  const std::string post = "POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 2\r\n\r\n";
  for (const auto& [from, bytes] :
       {std::pair{&bench.from_client, post}, std::pair{&bench.from_client, std::string("ab")},
        std::pair{&bench.from_server, ok.substr(0, ok.size() - 2)}, std::pair{&bench.from_server, std::string("hi")}}) {
    const int number = pin_one(*from);
    from->append(bytes);
    bench.pump();
    EXPECT_EQ(::fcntl(number, F_GETFD), -1) << bytes;
  }
  EXPECT_TRUE(bench.to_server.data().ends_with("\r\n\r\nab"));
  EXPECT_EQ(bench.to_client.data(), ok);
  EXPECT_TRUE(bench.to_server.pins().empty());
  EXPECT_TRUE(bench.to_client.pins().empty());
}

class Listener final : public Observer {
 public:
  void on_event(std::string_view line) override { lines.emplace_back(line); }
  [[nodiscard]] std::uint64_t now() const override { return clock += 7; }
  mutable std::uint64_t clock = 0;
  std::vector<std::string> lines;
};

TEST(Rest, TellsAnObserverOfEveryExchange) {
  Listener listener;
  RestBench bench({}, Upstream::connected, &listener);
  bench.client_says("GET /a?b HTTP/1.1\r\nHost: svc\r\n\r\nGET /\x01 HTTP/1.1\r\n\r\n");
  bench.server_says(ok);
  ASSERT_EQ(listener.lines.size(), 2U);
  EXPECT_EQ(
      listener.lines[0],
      R"({"event":"exchange","client":"web","role":"admin","service":"api","method":"GET","path":"/a","status":200,"sent":0,"received":2,"us":7})");
  EXPECT_EQ(
      listener.lines[1],
      R"({"event":"exchange","client":"web","role":"admin","service":"api","status":400,"sent":0,"received":0,"refused":"HTTP/1.1 without Host"})");
}

TEST(Rest, CountsAndRemembersForAnObserverWhoDoesNotListenButFormatsNothing) {
  class Deaf final : public Observer {
   public:
    Deaf() { listening_ = false; }
    void on_event(std::string_view line) override { lines.emplace_back(line); }
    void on_refusal(std::string_view sentence) override { refusals.emplace_back(sentence); }
    [[nodiscard]] std::uint64_t now() const override { return clock += 7; }
    mutable std::uint64_t clock = 0;
    std::vector<std::string> lines, refusals;
  } deaf;
  RestBench bench({}, Upstream::connected, &deaf);
  bench.client_says("GET /a HTTP/1.1\r\nHost: svc\r\n\r\nGET /\x01 HTTP/1.1\r\n\r\n");
  bench.server_says(ok);
  EXPECT_TRUE(deaf.lines.empty());
  EXPECT_EQ(deaf.refusals, std::vector<std::string>{"400 HTTP/1.1 without Host"});
  EXPECT_EQ(bench.tally.latency.counts[Latency::place_of(7)], 1U);  // of the answer that was not ours
}

}  // namespace
}  // namespace xc::mediate
