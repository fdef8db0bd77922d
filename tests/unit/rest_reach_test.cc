// Rules of a REST role that can never do anything, and what is said of them.
#include "parse/rest_reach.h"

#include <gtest/gtest.h>

#include <ctime>

#include "mediate/http_path.h"
#include "parse/manifest.h"
#include "parse/policy.h"
#include "parse/validate.h"
#include "parse_error.h"

namespace xc::parse {
namespace {

using Warnings = std::vector<std::string>;

/// Of services.json with one role, whose "rest" is `rest`; without the part of the place that is always the same.
Warnings warnings_of(const std::string& rest) {
  const auto exports = parse_services(
      R"([{"name":"a","type":"rest","socket":"/s","roles":{"viewer":{"rest":)" + rest + "}}}]", "services.json");
  if (!exports) return {error_of(exports)};
  EXPECT_TRUE(validate(*exports));
  Warnings all = exports->warnings;
  for (std::string& one : all) {
    const std::string start = "services.json: /0/roles/viewer/rest/";
    EXPECT_TRUE(one.starts_with(start)) << one;
    one.erase(0, start.size());
  }
  return all;
}

std::string rule(const std::string& methods, const std::string& paths) {
  return R"({"methods":[)" + methods + R"(],"paths":[)" + paths + "]}";
}

TEST(RestReach, NamesAPathThatNoRequestHas) {
  const std::string other = ": matches no request: what is judged is the path in its normal form; write ";
  const std::string doubt =
      ": matches no request: servers differ about \";\" and an encoded \"/\", \"\\\", \"%\", control character or "
      "overlong UTF-8, so no rule allows a path with one; remove it";
  const std::string strange =
      ": is in no request: it has a character that a path cannot have, or a % without two digits; write such "
      "characters as %XX, or remove it";
  const struct {
    std::string path;
    std::string said;  // empty: nothing
  } rows[] = {
      {"/v1//x", other + "\"/v1/x\""},
      {"//", other + "\"/\""},
      {"/v1/./x", other + "\"/v1/x\""},
      {"/v1/../x", other + "\"/x\""},
      {"/v1/..", other + "\"/\""},
      {"/v1/**/..", other + "\"/v1/\""},
      {"/../x", ": is in no request: it climbs above the root; remove it"},
      {"/%2e", other + "\"/\""},
      {"/%41%5f%7E", other + "\"/A_~\""},
      {"/a%c3%a4", other + "\"/a%C3%A4\""},
      {"/a%c0%20", other + "\"/a%C0%20\""},
      {"/a%c0%ae", doubt},
      {"/a%C1%9c", doubt},
      {"/a%e0%80%ae", doubt},
      {"/a%e0%a4%85", other + "\"/a%E0%A4%85\""},
      {"/a%f0%80%80%ae", doubt},
      {"/a%f0%9f%98%80", other + "\"/a%F0%9F%98%80\""},
      {"/a%2fb", doubt},
      {"/a%5Cb", doubt},
      {"/a%25b", doubt},
      {"/a%0Ab", doubt},
      {"/a;b", doubt},
      {"/a%3Bb", doubt},
      {"/a%00", strange},
      {"/a%", strange},
      {"/a%2", strange},
      {"/a[1]", strange},
      {"/a|b", strange},
      {"/", ""},
      {"/v1/", ""},
      {"/v1/**", ""},
      {"/**/x", ""},
      {"/*/..x/.y/...", ""},
      {"/a%20b%C3%A4", ""},
      {"/a-._~!$&'()*+,=:@z", ""},
  };
  for (const auto& [path, said] : rows) {
    const auto warnings = warnings_of("[" + rule("\"GET\"", "\"" + path + "\"") + "]");
    if (said.empty())
      EXPECT_EQ(warnings, Warnings{}) << path;
    else
      EXPECT_EQ(warnings, Warnings{"0/paths/0" + said}) << path;
  }
}

/// What is said is true: the judge of requests finds no way to such a path, and one to each of the others.
TEST(RestReach, AgreesWithWhoJudgesRequests) {
  for (const std::string path : {"/v1//x", "/v1/../x", "/%2e", "/a%c3%a4", "/a%2fb", "/a;b", "/a%", "/a[1]", "/",
                                 "/v1/", "/a%20b", "/*/..x", "/a-._~!$&'()*+,=:@z"}) {
    mediate::http::Target target;
    const bool refused = mediate::http::read_target("GET", path, std::nullopt, target).has_value();
    const bool reached = !refused && !target.doubtful && mediate::http::matches_path(path, target.path);
    EXPECT_EQ(reached, warnings_of("[" + rule("\"GET\"", "\"" + path + "\"") + "]").empty()) << path;
  }
}

const std::string covered = ": has no effect: the rules before it allow all that it allows; remove it";

TEST(RestReach, NamesARuleThatThoseBeforeItCover) {
  const std::string get = "\"GET\"";
  const struct {
    std::string first;
    std::string second;
    bool covered;
  } rows[] = {
      {rule(get, R"("/v1/**")"), rule(get, R"("/v1/status")"), true},
      {rule(get, R"("/v1/**")"), rule(get, R"("/v1")"), true},
      {rule(get, R"("/v1/**")"), rule(get, R"("/v1/")"), true},
      {rule(get, R"("/v1/**")"), rule(get, R"("/v1/*/x/**")"), true},
      {rule(get, R"("/v1/**")"), rule(get, R"("/v10")"), false},
      {rule(get, R"("/v1/**")"), rule("\"POST\"", R"("/v1/status")"), false},
      {rule(get, R"("/v1/**")"), rule(R"("GET","POST")", R"("/v1/status")"), false},
      {rule(get, R"("/v1/**")"), rule("\"*\"", R"("/v1/status")"), false},
      {rule("\"*\"", R"("/v1/**")"), rule(R"("GET","*")", R"("/v1/status")"), true},
      {rule(get, R"("/v1/**")"), rule(get, R"("/v1/a","/v2")"), false},
      {rule(get, R"("/v1/**","/v2")"), rule(get, R"("/v1/a","/v2")"), true},
      {rule(get, R"("/v1/status")"), rule(get, R"("/v1/**")"), false},
      {rule(get, R"("/v1/*")"), rule(get, R"("/v1/a")"), true},
      {rule(get, R"("/v1/*")"), rule(get, R"("/v1/")"), false},
      {rule(get, R"("/v1/*")"), rule(get, R"("/v1/**")"), false},
      {rule(get, R"("/v1/*")"), rule(get, R"("/v1/a/b")"), false},
      {rule(get, R"("/**")"), rule(get, R"("/**/x/**/y")"), true},
      {rule(get, R"("/**/x")"), rule(get, R"("/a/*/x")"), true},
      {rule(get, R"("/**/x/**")"), rule(get, R"("/a/**/x")"), true},
      {rule(get, R"("/**/x")"), rule(get, R"("/a/**")"), false},
      {rule(get, R"("/a")"), rule(get, R"("/a")"), true},
  };
  for (const auto& [first, second, is_covered] : rows)
    EXPECT_EQ(warnings_of("[" + first + "," + second + "]"), is_covered ? Warnings{"1" + covered} : Warnings{})
        << first << second;
}

TEST(RestReach, SeesThatSeveralRulesCoverOneTogether) {
  EXPECT_EQ(warnings_of("[" + rule("\"GET\"", R"("/a/**")") + "," + rule("\"GET\",\"POST\"", R"("/b")") + "," +
                        rule("\"GET\"", R"("/a/x","/b")") + "]"),
            Warnings{"2" + covered});
}

TEST(RestReach, NamesMethodsThatNobodyIsServedWith) {
  EXPECT_EQ(warnings_of("[" + rule(R"("GET","TRACE","CONNECT")", R"("/x")") + "]"),
            (Warnings{"0/methods/1: is served to nobody (501): CONNECT and TRACE are not spoken; remove it",
                      "0/methods/2: is served to nobody (501): CONNECT and TRACE are not spoken; remove it"}));
}

TEST(RestReach, LooksIntoTheObjectFormAndIntoPolicy) {
  EXPECT_EQ(warnings_of(R"({"rules":[)" + rule("\"GET\"", R"("/a//b")") + R"(],"body":1})"),
            Warnings{"rules/0/paths/0: matches no request: what is judged is the path in its normal form; write "
                     "\"/a/b\""});
  const auto policy = parse_policy(
      R"({"allow":[{"consumer":"*","service":"*","roles":{"x":{"rest":[)" + rule("\"GET\"", R"("/a/../b")") + "]}}}]}",
      "p.json");
  ASSERT_TRUE(policy) << error_of(policy);
  EXPECT_TRUE(validate(*policy));
  EXPECT_EQ(policy->warnings,
            Warnings{"p.json: /allow/0/roles/x/rest/0/paths/0: matches no request: what is judged is the path in its "
                     "normal form; write \"/b\""});
}

/// A hostile manifest gets no more than its share of time, and no more lines than others.
TEST(RestReach, IsBounded) {
  std::string tangle = "/x";
  for (int i = 0; i < 60; ++i) tangle = "/**/a" + tangle;
  std::string rules;
  for (int i = 0; i < 100; ++i)
    rules += (rules.empty() ? "" : ",") + rule("\"GET\"", "\"" + tangle + "/" + std::to_string(i) + "\"");
  const std::clock_t start = std::clock();  // processor time, as others may keep the machine busy
  EXPECT_EQ(warnings_of("[" + rules + "]"), Warnings{});
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
  std::string wrong;
  for (int i = 0; i < 200; ++i)
    wrong += (wrong.empty() ? "" : ",") + rule("\"GET\"", "\"//" + std::to_string(i) + "\"");
  EXPECT_EQ(warnings_of("[" + wrong + "]").size(), 64U);
}

}  // namespace
}  // namespace xc::parse
