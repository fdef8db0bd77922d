// Tables and sentences in the width of a terminal.
#include "base/table.h"

#include <gtest/gtest.h>

namespace xc::text {
namespace {

TEST(Table, LeavesOutDispensableColumnsUntilItFits) {
  const std::vector<Row> rows{{"AA", "BBBB", "CC", "DDDD"}, {"1", "2", "3", "4"}, {"x"}};
  EXPECT_EQ(table_within(rows, any_width, {1}), table(rows));
  EXPECT_EQ(table_within(rows, 18, {1}), table(rows));
  EXPECT_EQ(table_within(rows, 17, {1, 0}), "AA  CC  DDDD\n1   3   4\nx\n");
  EXPECT_EQ(table_within(rows, 8, {1, 0}), "CC  DDDD\n3   4\n\n");
  EXPECT_EQ(table_within(rows, 8, {0, 3}), "BBBB  CC\n2     3\n\n");
  EXPECT_EQ(table_within(rows, 1, {2}), "AA  BBBB  DDDD\n1   2     4\nx\n");
}

TEST(Table, FoldsSentencesAtBlanks) {
  EXPECT_EQ(folded("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(folded("one two three", any_width, 2), "one two three");
  EXPECT_EQ(folded("a-very-long-word is whole", 6, 1), "a-very-long-word\n is\n whole");
  EXPECT_EQ(folded("ab", 1, 3), "ab");
  EXPECT_EQ(folded("", 10, 3), "");
}

}  // namespace
}  // namespace xc::text
