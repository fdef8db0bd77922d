// Heads of HTTP/2 on their way through: what is refused, what passes, and under which name.
#include "mediate/h2_head.h"

#include <gtest/gtest.h>

namespace xc::mediate::h2 {
namespace {

Block block_of(const Lines& lines) {
  Block block;
  for (const auto& [name, value] : lines) block.add(name, value);
  return block;
}

const Lines call{{":method", "POST"}, {":scheme", "http"}, {":path", "/a.B/C"}, {":authority", "%2Frun%2Fx.sock"}};

Lines with(const Lines& more) {
  Lines lines = call;
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

/// What the provider would get beside the four pseudo-fields and the identity; the refusal's status when it gets
/// nothing.
Lines forwarded(const Lines& lines, bool overrides = true) {
  Block block = block_of(lines);
  Request request;
  if (const auto refusal = read_request(block, request)) return {{"refused", std::to_string(refusal->status)}};
  Lines out = write_request(block, request, "web", "admin", overrides);
  EXPECT_EQ(out[4], (std::pair<std::string, std::string>{"x-pv-client", "web"}));
  EXPECT_EQ(out[5], (std::pair<std::string, std::string>{"x-pv-role", "admin"}));
  return {out.begin() + 6, out.end()};
}

TEST(Http2Head, NamesTheProviderLocalhostAndThePathInNormalForm) {
  Block block = block_of({{":method", "GET"}, {":path", "/a/../b//%63?q=1"}, {":authority", "evil"}});
  Request request;
  ASSERT_FALSE(read_request(block, request));
  const Lines out = write_request(block, request, "web", "admin", true);
  EXPECT_EQ(Lines(out.begin(), out.begin() + 4),
            (Lines{{":method", "GET"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", "/b/c?q=1"}}));
}

TEST(Http2Head, DropsEveryAliasOfTheIdentityAndTheHost) {
  EXPECT_EQ(forwarded(with({{"x-pv-client", "root"},
                            {"x_pv_role", "root"},
                            {"x.pv.role", "root"},
                            {"x-pv-", "root"},
                            {"host", "svc"},
                            {"x-other", "1"}})),
            (Lines{{"x-other", "1"}}));
}

TEST(Http2Head, LetsTeTrailersPassAndNoOtherTe) {
  EXPECT_EQ(forwarded(with({{"te", "trailers"}})), (Lines{{"te", "trailers"}}));
  EXPECT_EQ(forwarded(with({{"te", "gzip"}})), Lines{});
}

TEST(Http2Head, DropsWhatAsksForAnotherMethodWhereRulesRestrict) {
  const Lines lines = with({{"x-http-method-override", "DELETE"}});
  EXPECT_EQ(forwarded(lines, true).size(), 1U);
  EXPECT_EQ(forwarded(lines, false).size(), 0U);
}

TEST(Http2Head, RefusesWhatHttp1Refuses) {
  const auto status = [](const Lines& lines) { return forwarded(lines).at(0).second; };
  EXPECT_EQ(status({{":method", "CONNECT"}, {":path", "/"}}), "501");
  EXPECT_EQ(status({{":method", "TRACE"}, {":path", "/"}}), "501");
  EXPECT_EQ(status({{":method", "G T"}, {":path", "/"}}), "400");
  EXPECT_EQ(status({{":method", "GET"}, {":path", "a"}}), "400");
  EXPECT_EQ(status({{":method", "GET"}, {":path", "/../a"}}), "400");
  EXPECT_EQ(status({{":method", "GET"}, {":path", "/a\r\nx: y"}}), "400");
  EXPECT_EQ(status({{":method", "GET"}, {":path", "/" + std::string(9000, 'a')}}), "414");
  EXPECT_EQ(status(with({{"a", std::string(40'000, 'b')}})), "431");
  EXPECT_EQ(status(with(Lines(101, {"a", "b"}))), "431");
  EXPECT_EQ(status(with({{"a b", "c"}})), "400");
  EXPECT_EQ(status(with({{"a", "b\0c"}, {"a", std::string("b\0c", 3)}})), "400");
  EXPECT_EQ(status(with({{"transfer_encoding", "chunked"}})), "400");
  EXPECT_EQ(status(with({{"content-length", "+1"}})), "400");
  EXPECT_EQ(status(with({{"content-length", "1"}, {"content-length", "1"}})), "400");
  EXPECT_EQ(status(with({{"content-length", "1"}, {"transfer-encoding", "chunked"}})), "400");
}

TEST(Http2Head, AValueWithALineEndIsNoSecondIdentity) {
  for (const std::string evil : {"1\r\nx-pv-role: root", "1\nx-pv-role: root"}) {
    const Lines out = forwarded(with({{"a", evil}}));
    for (const auto& [name, value] : out) EXPECT_EQ(value.find("root"), std::string::npos) << name;
  }
}

TEST(Http2Head, AResponseKeepsItsFieldsAndLosesReservedOnes) {
  unsigned status = 0;
  Block block = block_of({{":status", "200"}, {"content-type", "application/grpc"}, {"x-pv-role", "root"}});
  EXPECT_EQ(write_response(block, status), (Lines{{":status", "200"}, {"content-type", "application/grpc"}}));
  EXPECT_EQ(status, 200U);
  for (const std::string bad : {"", "20", "2000", "abc", "099", "600"}) {
    Block wrong = block_of({{":status", bad}});
    EXPECT_EQ(write_response(wrong, status), Lines{}) << bad;
  }
}

TEST(Http2Head, TrailersOfARequestAreAShortListAndThoseOfAResponseAnyThatIdentifyNobody) {
  const Lines lines{{"grpc-status", "0"}, {"x-after", "1"}, {"x_pv_role", "root"}, {"host", "evil"}};
  Block request = block_of(lines);
  EXPECT_EQ(write_trailers(request, true), (Lines{{"grpc-status", "0"}}));
  Block response = block_of(lines);
  EXPECT_EQ(write_trailers(response, false), (Lines{{"grpc-status", "0"}, {"x-after", "1"}}));
  Block head = block_of({{":status", "200"}});
  EXPECT_EQ(write_trailers(head, false), std::nullopt);
}

}  // namespace
}  // namespace xc::mediate::h2
