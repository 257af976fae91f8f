#include "tools/cli/table.h"

#include <gtest/gtest.h>

namespace ocellus::cli {
namespace {

TEST(Table, ColumnsAlignWithoutBlanksAtTheEnd) {
  EXPECT_EQ(Render({{"ID", "NAME", "STATE"}, {{"j-1", "a", "RUNNING"}, {"j-22", "long-name", ""}}}),
            "ID    NAME       STATE\n"
            "j-1   a          RUNNING\n"
            "j-22  long-name\n");
}

TEST(Table, WidthsCountLettersNotBytes) {
  EXPECT_EQ(Render({{"A", "B"}, {{"\xC3\xA9", "x"}, {"yy", "z"}}}),
            "A   B\n"
            "\xC3\xA9   x\n"
            "yy  z\n");
}

TEST(Table, ControlCharactersCannotBreakTheTerminal) {
  EXPECT_EQ(Render({{"A"}, {{"x\n\x1b[31my"}}}), "A\nx  [31my\n");
  EXPECT_EQ(OneLine("a\tb\x7f"), "a b ");
}

TEST(Table, WithoutRows) { EXPECT_EQ(Render({{"A", "B"}, {}}), "A  B\n"); }

}  // namespace
}  // namespace ocellus::cli
