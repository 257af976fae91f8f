#include "worker/agent/log_tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"
#include "worker/agent/limits.h"

namespace ocellus::agent {
namespace {

using testing::ElementsAre;

class LogTapTest : public testing::Test {
 protected:
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    for (const v1::LogLine& line : spool_.Peek(int64_t{1} << 30).lines)
      texts.push_back(line.text());
    return texts;
  }
  const TempFolder folder_;
  const absl::Time at_ = absl::FromUnixMillis(1'700'000'000'500);
  LogSpool spool_{folder_.path(), 1 << 30, 1 << 30};
  LogTap tap_{1, 4, &spool_};
};

TEST_F(LogTapTest, BytesCutAnywhereAreLines) {
  tap_.Bytes(1, "on", at_);
  tap_.Bytes(2, "err\n", at_);
  tap_.Bytes(1, "e\r\n\ntwo", at_);
  EXPECT_THAT(Texts(), ElementsAre("err", "one", ""));
  tap_.Flush(at_);
  EXPECT_THAT(Texts(), ElementsAre("err", "one", "", "two"));
  const v1::LogLine line = spool_.Peek(1 << 20).lines[1];
  EXPECT_EQ(line.rank(), 1);
  EXPECT_EQ(line.generation(), 4);
  EXPECT_EQ(line.seq(), 2);
  EXPECT_EQ(line.at().seconds(), 1'700'000'000);
  EXPECT_EQ(line.at().nanos(), 500'000'000);
  EXPECT_EQ(line.level(), v1::LOG_LEVEL_INFO);
  EXPECT_EQ(spool_.Peek(1 << 20).lines[0].level(), v1::LOG_LEVEL_WARNING);
}

TEST_F(LogTapTest, TextsOfSeveralLines) {
  tap_.Text(v1::LOG_LEVEL_ERROR, "a\nb\n", at_);
  tap_.Text(v1::LOG_LEVEL_ERROR, "", at_);
  EXPECT_THAT(Texts(), ElementsAre("a", "b", ""));
}

TEST_F(LogTapTest, EndlessLinesAreSplit) {
  const std::string endless(kLogLineBytesMax * 2 + 10, 'x');
  tap_.Bytes(1, endless + "\n", at_);
  tap_.Text(v1::LOG_LEVEL_INFO, endless, at_);
  const auto texts = Texts();
  ASSERT_EQ(texts.size(), 6u);
  EXPECT_EQ(texts[0] + texts[1] + texts[2], endless);
  EXPECT_EQ(texts[3] + texts[4] + texts[5], endless);
}

TEST_F(LogTapTest, TheLastFiftyAreRemembered) {
  for (int i = 0; i < 200; ++i) tap_.Text(v1::LOG_LEVEL_INFO, std::to_string(i), at_);
  ASSERT_EQ(tap_.last_lines().size(), static_cast<size_t>(kLastLines));
  EXPECT_EQ(tap_.last_lines().front(), "150");
  EXPECT_EQ(tap_.last_lines().back(), "199");
}

TEST(ToUtf8, OnlyWhatIsWrongIsReplaced) {
  EXPECT_EQ(ToUtf8("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(ToUtf8("a\xff"
                   "b"),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(ToUtf8("\xc3"), "\xef\xbf\xbd");
  EXPECT_EQ(ToUtf8("\xed\xa0\x80").substr(0, 3), "\xef\xbf\xbd");  // a surrogate
  EXPECT_EQ(ToUtf8("\xc0\x80").substr(0, 3), "\xef\xbf\xbd");      // overlong
}

}  // namespace
}  // namespace ocellus::agent
