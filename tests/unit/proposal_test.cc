// Places in a proposed config.json where something can be added or must go.
#include "parse/proposal.h"

#include <gtest/gtest.h>

#include "parse_error.h"

namespace xc::parse {
namespace {

std::string around(const std::string& text, const std::optional<model::Gap>& gap) {
  return gap ? text.substr(static_cast<std::size_t>(gap->at) - 1, 2) + (gap->first ? " empty" : "") : "none";
}

/// The text without what `connects` names.
std::string without_connects(std::string text) {
  const auto proposal = parse_proposal(text, "config.json");
  if (!proposal) return error_of(proposal);
  for (auto span = proposal->connects.rbegin(); span != proposal->connects.rend(); ++span)
    text.erase(static_cast<std::size_t>(span->at), static_cast<std::size_t>(span->size));
  return text;
}

TEST(Proposal, FindsWhereAFilterCanAsk) {
  const std::string text =
      R"({"root":{"path":"r"},"annotations":{},"linux":{"seccomp":{"syscalls":[ {"names":["a"]}]}}})";
  const auto proposal = parse_proposal(text, "config.json");
  ASSERT_TRUE(proposal) << error_of(proposal);
  EXPECT_EQ(around(text, proposal->annotations), "{} empty");
  EXPECT_EQ(around(text, proposal->machine), "{\"");
  EXPECT_EQ(around(text, proposal->filter), "{\"");
  EXPECT_EQ(around(text, proposal->calls), "[ ");
  EXPECT_FALSE(proposal->asks);
  const auto plain = parse_proposal(R"({"root":{"path":"r"},"linux":{"seccomp":null}})", "config.json");
  EXPECT_FALSE(plain->filter || plain->calls || plain->annotations);
  EXPECT_TRUE(parse_proposal(R"({"root":{"path":"r"},"linux":{"seccomp":{"listenerPath":"/x"}}})", "c")->asks);
}

TEST(Proposal, FindsTheRulesThatNameConnectAlready) {
  const auto in_names = [](const std::string& names) {
    return R"({"root":{"path":"r"},"linux":{"seccomp":{"syscalls":[{"action":"A","names":)" + names +
           R"(,"x":["connect"]},{"names":["close"]}]}}})";
  };
  const std::vector<std::pair<std::string, std::string>> table{
      {R"(["connect"])", "[]"},
      {R"([ "connect" , "b"])", R"([  "b"])"},
      {R"(["a","connect","b"])", R"(["a","b"])"},
      {R"(["a", "connect"])", R"(["a"])"},
      {R"(["a","disconnect"])", R"(["a","disconnect"])"},
  };
  for (const auto& [before, after] : table) EXPECT_EQ(without_connects(in_names(before)), in_names(after));
}

}  // namespace
}  // namespace xc::parse
