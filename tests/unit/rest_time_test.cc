// How long a REST link waits for whom, and what it says when that was too long.
#include <gtest/gtest.h>

#include "rest_bench.h"

namespace xc::mediate {
namespace {

const std::string get = "GET /a HTTP/1.1\r\nHost: svc\r\n\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

TEST(RestTime, AHeadMustComeWithinItsTimeHoweverItTrickles) {
  RestBench bench;
  bench.pump();
  EXPECT_EQ(bench.patience(), limits::idle_time);
  bench.client_says("GET /a HTTP/1.1\r\n");
  EXPECT_EQ(bench.patience(), limits::head_time);
  for (int i = 0; i < 20; ++i) {
    bench.client_says("X: y\r\n");
    EXPECT_EQ(bench.patience(), limits::head_time);
  }
  bench.expire();
  EXPECT_EQ(bench.client_hears(), refused("408 Request Timeout", "the head of the request came too slowly"));
  EXPECT_EQ(bench.server_hears(), "");
  EXPECT_TRUE(bench.over());
}

TEST(RestTime, AnIdleConnectionEndsWithoutAWord) {
  RestBench bench;
  bench.client_says(get);
  bench.server_says(ok);
  EXPECT_EQ(bench.patience(), limits::idle_time);
  bench.client_heard.clear();
  bench.expire();
  EXPECT_EQ(bench.client_hears(), "");
  EXPECT_TRUE(bench.over());
}

TEST(RestTime, ABodyMustGoOn) {
  RestBench bench;
  bench.client_says("POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(bench.patience(), limits::body_time);
  bench.expire();
  EXPECT_EQ(bench.client_hears(), refused("408 Request Timeout", "the body of the request came too slowly"));
  EXPECT_TRUE(bench.over());
}

TEST(RestTime, ADeniedBodyMustGoOnToo) {
  model::RoleRules nothing;
  nothing.rest.emplace();
  RestBench bench(nothing);
  bench.client_says("POST /a HTTP/1.1\r\nHost: svc\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_TRUE(bench.client_hears().starts_with("HTTP/1.1 403 "));
  EXPECT_EQ(bench.patience(), limits::body_time);
  bench.expire();
  EXPECT_EQ(bench.client_hears(), "");
  EXPECT_TRUE(bench.over());
}

model::RoleRules waiting(std::uint32_t seconds) {
  model::RoleRules rules;
  rules.rest.emplace().all = true;
  rules.rest->wait = seconds;
  return rules;
}

TEST(RestTime, ARoleMaySayHowLongAProviderHas) {
  RestBench brief(waiting(3));
  brief.client_says(get);
  EXPECT_EQ(brief.patience(), std::chrono::seconds(3));
  brief.expire();
  EXPECT_EQ(brief.client_hears(), refused("504 Gateway Timeout", "the provider did not answer in time"));
  RestBench endless(waiting(0));
  endless.client_says(get);
  EXPECT_EQ(endless.patience(), std::nullopt);
}

TEST(RestTime, AProviderMustBeginToAnswer) {
  RestBench bench;
  bench.client_says(get + get);
  EXPECT_EQ(bench.patience(), limits::response_time);
  bench.expire();
  EXPECT_EQ(bench.client_hears(), refused("504 Gateway Timeout", "the provider did not answer in time"));
  EXPECT_TRUE(bench.over());
}

TEST(RestTime, WaitsForTheProviderWhileTheClientWaitsForContinue) {
  RestBench bench;
  bench.client_says("POST /a HTTP/1.1\r\nHost: svc\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(bench.patience(), limits::response_time);
  bench.server_says("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(bench.patience(), limits::body_time);
}

TEST(RestTime, AResponseThatBeganMayPauseForEver) {
  RestBench bench;
  bench.client_says(get);
  bench.server_says("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(bench.patience(), std::nullopt);
}

TEST(RestTime, ARequestThatAnnouncesALongWaitGetsIt) {
  for (const std::string field : {"Accept: text/html, text/event-stream;q=1", "Prefer: respond-async, wait=600"}) {
    RestBench bench;
    bench.client_says("GET /a HTTP/1.1\r\nHost: svc\r\n" + field + "\r\n\r\n");
    EXPECT_EQ(bench.patience(), std::nullopt) << field;
  }
  RestBench bench;
  bench.client_says("GET /a HTTP/1.1\r\nHost: svc\r\nAccept: */*\r\nPrefer: waiting\r\n\r\n");
  EXPECT_EQ(bench.patience(), limits::response_time);
}

TEST(RestTime, AClientThatReadsNothingIsCut) {
  RestBench bench;
  bench.client_says(get);
  bench.sip = 0;
  bench.server_says("HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'));
  EXPECT_EQ(bench.patience(), limits::reader_time);
  bench.expire();
  EXPECT_EQ(bench.error, "the client reads no more");
}

TEST(RestTime, AClientThatReadAllMeanwhileIsNotBlamed) {
  RestBench bench;
  bench.client_says(get);
  bench.sip = 0;
  bench.server_says("HTTP/1.1 200 OK\r\n\r\n" + std::string(60'000, 'x'));
  bench.server_says(std::string(Stream::default_capacity, 'x'));
  EXPECT_EQ(bench.patience(), limits::reader_time);
  bench.to_client.consume(bench.to_client.data().size());  // sent, and nothing woke the mediator
  bench.from_server.consume(bench.from_server.data().size());
  bench.expire();
  EXPECT_EQ(bench.error, "");
  EXPECT_FALSE(bench.over());
  EXPECT_EQ(bench.patience(), std::nullopt);
}

TEST(RestTime, ADeadlineOfAStateThatIsOverStartsTheNextOneInstead) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 69590\r\n\r\n";
  ASSERT_EQ(head.size() + 69590, Stream::default_capacity);
  RestBench bench;
  bench.client_says(get);
  bench.sip = 0;
  bench.server_says(head + std::string(69590, 'x'));
  EXPECT_EQ(bench.patience(), limits::reader_time);
  bench.to_client.consume(bench.to_client.data().size());
  bench.expire();
  EXPECT_FALSE(bench.over()) << "the client had read everything";
  EXPECT_EQ(bench.patience(), limits::idle_time);
  bench.expire();
  EXPECT_TRUE(bench.over());
}

}  // namespace
}  // namespace xc::mediate
