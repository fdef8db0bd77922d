// "hooks_dir" of containers.conf(5), as doctor finds it among everything else that such a file may hold.
#include "parse/containers_conf.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace xc::parse {
namespace {

std::string found(std::string_view text) {
  const auto outcome = hooks_dir_of(text);
  if (!outcome) return "error: " + outcome.error().text;
  if (!*outcome) return "nothing";
  return text::number(std::uint64_t{(**outcome).line}) + ": " + text::join((**outcome).directories, " ") +
         ((**outcome).append ? " appended" : "");
}

TEST(ContainersConf, FindsTheDirectoriesInEverySpelling) {
  EXPECT_EQ(found("[engine]\nhooks_dir = [\"/a\", '/b']\n"), "2: /a /b");
  EXPECT_EQ(found("engine.hooks_dir = [\n  \"/a\", # one\n\n  \"/b\",\n]"), "1: /a /b");
  EXPECT_EQ(found("[ engine ]\n\"hooks_dir\"=[]\r\n"), "2: ");
  EXPECT_EQ(found("engine = { x = 1, hooks_dir = [\"/a\"] }"), "1: /a");
  EXPECT_EQ(found("[engine]\nhooks_dir = [\"/a\", {append=true}]"), "2: /a appended");
  EXPECT_EQ(found("[engine]\nhooks_dir = [\"/a\", {append = false}]"), "2: /a");
}

TEST(ContainersConf, PassesOverEverythingElse) {
  EXPECT_EQ(found(""), "nothing");
  EXPECT_EQ(found("#hooks_dir = [\"/a\"]\n[containers]\nhooks_dir = [\"/a\"]\n"), "nothing");
  EXPECT_EQ(found("[engine.runtimes]\nhooks_dir = [\"/a\"]\n[[engine]]\nhooks_dir = [\"/b\"]"), "nothing");
  EXPECT_EQ(found("[containers]\nenv = [\"A=[\\\"]\", 'x#\"']\nt = \"\"\"\n[engine]\nhooks_dir=[\"/x\"]\"\"\"\n"
                  "n = 1_000\nd = 2020-01-01T00:00:00Z\nb = true # yes\n[engine]\nhooks_dir = [ \"/a\" ]"),
            "10: /a");
  EXPECT_EQ(found("[engine]\n\"hooks_dir[]\" = \"/a\"\nhooks_dir = \"/a\""), "nothing");
}

TEST(ContainersConf, SaysInWhichLineItIsWrong) {
  EXPECT_EQ(found("[engine]\nhooks_dir = [\"/a\""), "error: line 2: expected \"]\" at the end of a list");
  EXPECT_EQ(found("[engine\n"), "error: line 1: expected \"]\" behind the name of a table");
  EXPECT_EQ(found("a\n"), "error: line 1: expected \"=\" behind a key");
  EXPECT_EQ(found("\n\nx = \"a\n"), "error: line 3: expected the end of a text in quotes");
  EXPECT_EQ(found("= 1"), "error: line 1: expected a key");
  EXPECT_EQ(found("a = [,]"), "error: line 1: expected a value");
  EXPECT_EQ(found("a = 'x' 'y'"), "error: line 1: expected the end of the line");
  EXPECT_EQ(found("a = " + std::string(1000, '[')), "error: line 1: expected fewer values in values");
  EXPECT_EQ(found("a = {"), "error: line 1: expected a key");
}

}  // namespace
}  // namespace xc::parse
