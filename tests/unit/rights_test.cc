#include "model/rights.h"

#include <gtest/gtest.h>

namespace xc::model {
namespace {

RoleRules descriptors(std::uint32_t count) {
  RoleRules rules;
  rules.raw_unix = UnixRules{count};
  return rules;
}

RoleRules rest(std::string path, bool upgrade = false) {
  RoleRules rules;
  rules.rest = RestRules{false, upgrade, {{{"GET"}, {std::move(path)}}}};
  return rules;
}

const RoleRules silent;

auto get(const std::string& path, bool upgrade = false) {
  return [path, upgrade](const RestRules& rules) {
    return (rules.upgrade || !upgrade) && rules.rules.front().paths.front() == path;
  };
}

TEST(Rights, EveryLayerMustPermit) {
  const Rights rights{{{{rest("/a"), rest("/b")}}, {{rest("/b"), rest("/c")}}}};
  EXPECT_TRUE(permits(rights, &RoleRules::rest, get("/b")));
  EXPECT_FALSE(permits(rights, &RoleRules::rest, get("/a")));
  EXPECT_FALSE(permits(rights, &RoleRules::rest, get("/c")));
}

TEST(Rights, ASilentLayerRestrictsNothingAndGrantsNothing) {
  const Rights rights{{{{silent}}, {{silent}}}};
  EXPECT_TRUE(permits(rights, &RoleRules::rest, get("/a")));
  EXPECT_FALSE(grants(rights, &RoleRules::rest, get("/a", true)));
}

TEST(Rights, NoLayerRestrictsNothingAndGrantsNothing) {
  EXPECT_TRUE(permits(Rights{}, &RoleRules::rest, get("/a")));
  EXPECT_FALSE(grants(Rights{}, &RoleRules::rest, get("/a", true)));
}

TEST(Rights, ALayerWithoutAlternativesPermitsNothing) {
  EXPECT_FALSE(permits(Rights{{{}}}, &RoleRules::rest, get("/a")));
  EXPECT_EQ(descriptor_limit(Rights{{{{descriptors(4)}}, {}}}), 0U);
}

TEST(Rights, TheUpgradeOfOneEntryDoesNotReachThePathsOfAnother) {
  const Rights rights{{{{rest("/watch", true), rest("/state")}}}};
  EXPECT_TRUE(grants(rights, &RoleRules::rest, get("/watch", true)));
  EXPECT_TRUE(permits(rights, &RoleRules::rest, get("/state")));
  EXPECT_FALSE(grants(rights, &RoleRules::rest, get("/state", true)));
}

TEST(Rights, DescriptorsAreTheLeastOfTheLayersThatSpeak) {
  struct Case {
    Rights rights;
    std::uint32_t limit;
  };
  const std::vector<Case> table{
      {{}, 0},
      {{{{{silent}}, {{silent}}}}, 0},
      {{{{{descriptors(3)}}, {{silent}}}}, 3},
      {{{{{silent}}, {{descriptors(28)}}}}, 28},
      {{{{{descriptors(3)}}, {{descriptors(28)}}}}, 3},
      {{{{{descriptors(0)}}, {{descriptors(28)}}}}, 0},
      {{{{{descriptors(1), descriptors(5)}}, {{descriptors(28)}}}}, 5},
      {{{{{descriptors(1), silent}}, {{descriptors(28)}}}}, 28},
      {{{{{descriptors(2), silent}}, {{silent}}}}, 2},
  };
  for (const auto& [rights, limit] : table) EXPECT_EQ(descriptor_limit(rights), limit);
}

TEST(Rights, AVchanPassesMemoryUnlessALayerForbidsIt) {
  RoleRules without;
  without.vchan.emplace().shm = false;
  RoleRules with;
  with.vchan.emplace();
  EXPECT_EQ(vchan_descriptor_limit(Rights{}), 3U);
  EXPECT_EQ(vchan_descriptor_limit(Rights{{{{with}}, {{RoleRules{}}}}}), 3U);
  EXPECT_EQ(vchan_descriptor_limit(Rights{{{{with}}, {{without}}}}), 0U);
  EXPECT_EQ(vchan_descriptor_limit(Rights{{{{with, without}}}}), 3U);
}

}  // namespace
}  // namespace xc::model
