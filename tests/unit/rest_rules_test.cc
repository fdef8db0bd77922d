// Roles on a REST link: methods, paths, upgrades; and the tunnel after an upgrade.
#include "mediate/rest_rules.h"

#include <gtest/gtest.h>

#include "rest_bench.h"

namespace xc::mediate {
namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

model::RoleRules viewer() {
  model::RoleRules rules;
  rules.rest = model::RestRules{false, false, {{{"GET", "HEAD"}, {"/v1/items", "/v1/items/*"}}, {{"*"}, {"/open/**"}}}};
  return rules;
}

model::RoleRules with_upgrade() {
  model::RoleRules rules;
  rules.rest = model::RestRules{true, true, {}};
  return rules;
}

std::string request(const std::string& method, const std::string& target, const std::string& more = {}) {
  return method + ' ' + target + " HTTP/1.1\r\nHost: svc\r\n" + more + "\r\n";
}

/// The path the provider gets; empty = refused.
std::string forwarded(const std::string& method, const std::string& target, const model::RoleRules& rules) {
  RestBench bench(rules);
  bench.client_says(request(method, target));
  const std::string heard = bench.server_hears();
  if (heard.empty()) return {};
  const std::size_t start = heard.find(' ') + 1;
  return heard.substr(start, heard.find(' ', start) - start);
}

std::string too_long(const std::string& limit) {
  return answer_text(
      "413 Content Too Large",
      "{\"error\":\"role \\\"admin\\\" may not send so long a body to service \\\"api\\\"\",\"service\":\"api\","
      "\"role\":\"admin\",\"rule\":\"body " +
          limit + "\"}\n");
}

model::RoleRules with_body(std::uint64_t bytes) {
  model::RoleRules rules;
  rules.rest.emplace().all = true;
  rules.rest->body = bytes;
  return rules;
}

TEST(RestRules, LimitTheBodyThatIsAnnounced) {
  const std::string good = request("PUT", "/a", "Content-Length: 4\r\n") + "abcd";
  const std::string length = "Host: svc\r\n" + identity + "Content-Length: 4\r\n\r\nabcd";
  converse({{Line::client, good},
            {Line::at_server, "PUT /a HTTP/1.1\r\n" + length},
            {Line::server, ok},
            {Line::at_client, ok},
            {Line::client, request("PUT", "/b", "Content-Length: 5\r\nExpect: 100-continue\r\n")},
            {Line::at_server, ""},
            {Line::at_client, too_long("4")},
            {Line::ended}},
           with_body(4));
}

TEST(RestRules, LimitTheBodyThatComesInChunks) {
  const std::string head = "PUT /a HTTP/1.1\r\nHost: svc\r\n" + identity + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string start = request("PUT", "/a", "Transfer-Encoding: chunked\r\n");
  converse({{Line::client, start + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"},
            {Line::at_server, head + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"},
            {Line::server, ok},
            {Line::at_client, ok},
            {Line::client, start + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"},
            {Line::at_server, head + "3\r\nabc\r\n"},
            {Line::server_told},
            {Line::at_client, refused("413 Content Too Large", "the body is longer than the role may send")},
            {Line::ended}},
           with_body(4));
}

TEST(RestRules, TakeTheLeastBodyAndWaitOfTheDocumentsThatAllowTheRequest) {
  const auto layer = [](std::optional<std::uint64_t> body, std::optional<std::uint32_t> wait, const std::string& path) {
    model::RoleRules rules;
    rules.rest = model::RestRules{false, false, {{{"GET"}, {path}}}, body, wait, {}};
    return rules;
  };
  const http::Target target{"/a", {}, false};
  const model::Rights rights{{{{layer(10, 5, "/a"), layer(90, 50, "/b")}}, {{layer(40, 0, "/a"), {}}}}};
  EXPECT_EQ(body_limit(rights, "GET", target), 10U);
  EXPECT_EQ(response_wait(rights), std::chrono::seconds(50));  // the most patient of the first, the second has no end
  EXPECT_EQ(body_limit(model::Rights{}, "GET", target), UINT64_MAX);
  EXPECT_EQ(body_limit(model::Rights{{{{layer({}, {}, "/a")}}}}, "GET", target), UINT64_MAX);
  EXPECT_EQ(response_wait(model::Rights{{{{layer({}, {}, "/a")}}}}), std::nullopt);
  EXPECT_EQ(response_wait(model::Rights{{{{layer({}, 0, "/a")}}}}), std::chrono::seconds(0));
}

TEST(RestRules, DecideOnThePathTheProviderGets) {
  struct Case {
    std::string method, target, result;
  };
  for (const Case& c : std::vector<Case>{{"GET", "/v1/items", "/v1/items"},
                                         {"GET", "/v1/items?q=/x", "/v1/items?q=/x"},
                                         {"GET", "/v1/items/7", "/v1/items/7"},
                                         {"HEAD", "/v1/items/7", "/v1/items/7"},
                                         {"GET", "/./v1/items", "/v1/items"},
                                         {"GET", "/v%31/items", "/v1/items"},
                                         {"GET", "//v1///items", "/v1/items"},
                                         {"GET", "/x/../v1/items", "/v1/items"},
                                         {"GET", "http://svc/v1/items", "/v1/items"},
                                         {"GET", "/v1/items/a%2db%7e", "/v1/items/a-b~"},
                                         {"GET", "/v1/items/a%c3%a9", "/v1/items/a%C3%A9"},
                                         {"PUT", "/open", "/open"},
                                         {"PUT", "/open/a/b/", "/open/a/b/"},
                                         {"POST", "/v1/items", ""},
                                         {"get", "/v1/items", ""},
                                         {"GET", "/", ""},
                                         {"GET", "/v1/itemsX", ""},
                                         {"GET", "/V1/items", ""},
                                         {"GET", "/v1/items/", ""},
                                         {"GET", "/v1/items/7/8", ""},
                                         {"GET", "/v1/items/../admin", ""},
                                         {"GET", "/v1/items/%2e%2e/admin", ""},
                                         {"GET", "/v1/items/.%2E/admin", ""},
                                         {"GET", "http://svc/admin", ""},
                                         {"GET", "/v1/items/..%2fadmin", ""},
                                         {"GET", "/v1/items/..%5cadmin", ""},
                                         {"GET", "/v1/items/%252e%252e", ""},
                                         {"GET", "/v1/items/%c0%ae%c0%ae", ""},
                                         {"GET", "/v1/items/..;/admin", ""},
                                         {"GET", "/v1/items;x=/../admin", ""},
                                         {"GET", "/v1/items/a%0ab", ""},
                                         {"GET", "/v1/items/a%3bb", ""},
                                         {"OPTIONS", "*", ""}})
    EXPECT_EQ(forwarded(c.method, c.target, viewer()), c.result) << c.method << ' ' << c.target;
}

TEST(RestRules, WithoutRestrictionEncodedSlashesPassAsTheyAre) {
  EXPECT_EQ(forwarded("GET", "/p/a%2fb;v=1", {}), "/p/a%2Fb;v=1");
  EXPECT_EQ(forwarded("GET", "/p/%252e", {}), "/p/%252e");
  EXPECT_EQ(forwarded("GET", "/a?b[]={c|d}^`", {}), "/a?b[]={c|d}^`");
  EXPECT_EQ(forwarded("OPTIONS", "*", {}), "*");
  EXPECT_EQ(forwarded("OPTIONS", "http://svc", {}), "*");
  EXPECT_EQ(forwarded("GET", "http://SVC?x", {}), "/?x");
}

TEST(RestRules, PatternsMatchWholeSegments) {
  struct Case {
    std::string pattern, path;
    bool matches;
  };
  for (const Case& c : std::vector<Case>{{"/", "/", true},
                                         {"/", "/a", false},
                                         {"/a", "/a", true},
                                         {"/a", "/a/", false},
                                         {"/*", "/a", true},
                                         {"/*", "/", false},
                                         {"/*", "/a/b", false},
                                         {"/*/b", "/a/b", true},
                                         {"/a*", "/ab", false},
                                         {"/**", "/", true},
                                         {"/**", "/a/b/c", true},
                                         {"**", "/a", true},
                                         {"/v1/**", "/v1", true},
                                         {"/v1/**", "/v1/", true},
                                         {"/v1/**", "/v12", false},
                                         {"/**/logs", "/logs", true},
                                         {"/**/logs", "/a/b/logs", true},
                                         {"/**/logs", "/a/logs/b", false},
                                         {"/a/**/b/*/c", "/a/b/b/x/b/y/c", true},
                                         {"/a/**/b/**", "/a/x/y", false},
                                         {"/**/**", "/a", true},
                                         {"", "/", false},
                                         {"a", "/a", false},
                                         {"*", "*", true},
                                         {"/a/**", "*", false},
                                         {"/**", "*", true}})
    EXPECT_EQ(http::matches_path(c.pattern, c.path), c.matches) << c.pattern << " on " << c.path;
}

TEST(RestRules, ADenialNamesRoleAndRulesAndKeepsTheConnection) {
  const std::string denied = answer_text(
      "403 Forbidden",
      "{\"error\":\"role \\\"admin\\\" may not DELETE /v1/items of service \\\"api\\\"\",\"service\":\"api\","
      "\"role\":\"admin\",\"rule\":\"GET,HEAD /v1/items,/v1/items/* | * /open/**\"}\n",
      false);
  const std::string get_sent = "GET /v1/items HTTP/1.1\r\nHost: svc\r\n" + identity + "\r\n";
  converse({{Line::client, request("GET", "/v1/items") + request("DELETE", "/v1/items", "Content-Length: 41\r\n") +
                               "GET /v1/items HTTP/1.1\r\nHost: svc\r\nX: y\r\n" + request("GET", "/v1/items")},
            {Line::at_server, get_sent + get_sent},
            {Line::at_client, ""},
            {Line::server, ok},
            {Line::at_client, ok + denied},
            {Line::alive}},
           viewer());
}

TEST(RestRules, ADeniedBodyIsNeverReadAsARequest) {
  const std::string smuggled = request("GET", "/v1/items");
  const std::string body = "Content-Length: " + std::to_string(smuggled.size()) + "\r\n";
  RestBench bench(viewer());
  bench.client_says(request("PUT", "/v1/items", body) + smuggled);
  EXPECT_EQ(bench.server_hears(), "");
  EXPECT_FALSE(bench.over());
  for (const std::string more : {"Content-Length: 65537\r\n", "Transfer-Encoding: chunked\r\n",
                                 "Content-Length: 3\r\nExpect: 100-continue\r\n", "Connection: close\r\n"}) {
    RestBench closing(viewer());
    closing.client_says(request("PUT", "/v1/items", more) + smuggled);
    EXPECT_EQ(closing.server_hears(), "") << more;
    EXPECT_NE(closing.client_hears().find("Connection: close\r\n"), std::string::npos) << more;
    EXPECT_TRUE(closing.over()) << more;
  }
}

TEST(RestRules, FieldsThatNameAnotherMethodOrPathPassOnlyWithoutRestriction) {
  const std::string fields = "X-HTTP-Method-Override: DELETE\r\nX_HTTP_Method: PUT\r\nX-Original-URL: /admin\r\n";
  RestBench restricted(viewer());
  restricted.client_says(request("GET", "/v1/items", fields));
  EXPECT_EQ(restricted.server_hears(), "GET /v1/items HTTP/1.1\r\nHost: svc\r\n" + identity + "\r\n");
  RestBench free;
  free.client_says(request("GET", "/v1/items", fields));
  EXPECT_EQ(free.server_hears(), "GET /v1/items HTTP/1.1\r\nHost: svc\r\n" + identity + fields + "\r\n");
}

const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const std::string switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";

TEST(RestUpgrade, IsRefusedWithoutTheRight) {
  converse({{Line::client, request("GET", "/ws", upgrade) + "frame"},
            {Line::at_server, ""},
            {Line::at_client,
             answer_text("403 Forbidden",
                         "{\"error\":\"role \\\"admin\\\" may not switch protocols on service \\\"api\\\"\","
                         "\"service\":\"api\",\"role\":\"admin\",\"rule\":\"upgrade\"}\n")},
            {Line::ended}});
}

TEST(RestUpgrade, OpensATunnelOnce101Came) {
  converse({{Line::client, request("GET", "/ws", upgrade) + "early"},
            {Line::at_server, "GET /ws HTTP/1.1\r\nHost: svc\r\n" + identity + upgrade + "\r\n"},
            {Line::server, switched + "server first"},
            {Line::at_client, switched + "server first"},
            {Line::at_server, "early"},
            {Line::client, "GET / HTTP/1.1\r\nX-PV-Role: root\r\n\r\n"},
            {Line::at_server, "GET / HTTP/1.1\r\nX-PV-Role: root\r\n\r\n"},
            {Line::client_ends},
            {Line::alive},
            {Line::server, "still here"},
            {Line::at_client, "still here"},
            {Line::server_ends},
            {Line::ended}},
           with_upgrade());
}

TEST(RestUpgrade, WithABodyAsDockerDoes) {
  RestBench bench(with_upgrade());
  bench.client_says(
      "POST /exec/1/start HTTP/1.1\r\nHost: svc\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
      "Content-Length: 2\r\n\r\n{}");
  EXPECT_FALSE(bench.transparent());
  bench.server_says("HTTP/1.1 101 UPGRADED\r\nContent-Type: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  EXPECT_EQ(bench.client_hears(),
            "HTTP/1.1 101 UPGRADED\r\nContent-Type: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  EXPECT_TRUE(bench.transparent());
  EXPECT_EQ(bench.patience(), std::nullopt);
}

TEST(RestUpgrade, RefusedByTheProviderLeavesHttpWithIdentity) {
  const std::string spoof = request("GET", "/b", "X-PV-Client: root\r\n");
  converse({{Line::client, request("GET", "/ws", upgrade) + spoof},
            {Line::at_server, "GET /ws HTTP/1.1\r\nHost: svc\r\n" + identity + upgrade + "\r\n"},
            {Line::server, ok},
            {Line::at_client, ok},
            {Line::at_server, "GET /b HTTP/1.1\r\nHost: svc\r\n" + identity + "\r\n"},
            {Line::server, ok},
            {Line::at_client, ok}},
           with_upgrade());
}

TEST(RestUpgrade, RefusedByTheProviderOnTheLastRequestIsFollowedByNone) {
  converse({{Line::client,
             request("GET", "/ws", "Connection: Upgrade, close\r\nUpgrade: websocket\r\n") + request("GET", "/more")},
            {Line::at_server, "GET /ws HTTP/1.1\r\nHost: svc\r\n" + identity + upgrade + "\r\n"},
            {Line::server, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi"},
            {Line::at_server, ""},
            {Line::server, "ho"},
            {Line::at_client, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhiho"},
            {Line::at_server, ""},
            {Line::ended}},
           with_upgrade());
}

TEST(RestUpgrade, ToAnotherProtocolThanAskedOrBeforeTheBodyIsNone) {
  for (const std::string answer :
       {"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", "HTTP/1.1 101 X\r\n\r\n",
        "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket, tcp\r\n\r\n"}) {
    RestBench bench(with_upgrade());
    bench.client_says(request("GET", "/ws", upgrade));
    bench.server_says(answer);
    EXPECT_TRUE(bench.client_hears().starts_with("HTTP/1.1 502 ")) << answer;
    EXPECT_FALSE(bench.transparent());
  }
  RestBench bench(with_upgrade());
  bench.client_says(request("GET", "/ws", upgrade + "Content-Length: 5\r\n") + "ab");
  bench.server_says(switched);
  EXPECT_TRUE(bench.client_hears().starts_with("HTTP/1.1 502 "));
}

TEST(RestUpgrade, NeverToHttp2AndNotWithoutConnection) {
  const std::string plain = "GET /a HTTP/1.1\r\nHost: svc\r\n" + identity + "\r\n";
  for (const std::string fields : {"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
                                   "Upgrade: websocket\r\n", "Connection: Upgrade\r\nUpgrade: websocket, H2C\r\n",
                                   "Connection: HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n",
                                   "Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n", "Connection: Upgrade\r\n"})
    converse({{Line::client, request("GET", "/a", fields)}, {Line::at_server, plain}}, with_upgrade());
}

}  // namespace
}  // namespace xc::mediate
