#include "coordinator/state/log_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::LogLine Line(int rank, int64_t seq, const std::string& text,
                 v1::LogLevel level = v1::LOG_LEVEL_INFO) {
  v1::LogLine line;
  line.set_rank(rank);
  line.set_seq(seq);
  line.set_text(text);
  line.set_level(level);
  return line;
}

std::vector<std::string> Texts(const LogChunk& chunk) {
  std::vector<std::string> texts;
  for (const v1::LogLine& line : chunk.lines) {
    texts.push_back(absl::StrCat("g", line.generation(), " r", line.rank(), " ", line.text()));
  }
  return texts;
}

class LogFilesTest : public testing::Test {
 protected:
  void Append(int64_t generation, const std::vector<v1::LogLine>& lines) {
    const absl::Status status = logs_->Append("j-1", generation, lines);
    ASSERT_TRUE(status.ok()) << status;
  }
  TempFolder folder_;
  std::unique_ptr<LogFiles> logs_ = std::make_unique<LogFiles>(folder_.path() + "/logs");
};

TEST_F(LogFilesTest, CursorGoesThroughGenerations) {
  Append(1, {Line(0, 1, "a"), Line(1, 1, "b")});
  Append(3, {Line(0, 1, "c")});
  const auto all = logs_->Read("j-1", "", {});
  EXPECT_THAT(Texts(*all), ElementsAre("g1 r0 a", "g1 r1 b", "g3 r0 c"));
  EXPECT_THAT(Texts(*logs_->Read("j-1", all->cursor, {})), IsEmpty());
  Append(3, {Line(0, 2, "d")});
  Append(4, {Line(0, 1, "e")});
  EXPECT_THAT(Texts(*logs_->Read("j-1", all->cursor, {})), ElementsAre("g3 r0 d", "g4 r0 e"));
  EXPECT_THAT(Texts(*logs_->Read("j-none", "", {})), IsEmpty());
  EXPECT_FALSE(logs_->Read("j-1", "nonsense", {}).ok());
}

TEST_F(LogFilesTest, RepeatsAreDroppedEvenAfterARestart) {
  Append(1, {Line(0, 1, "a"), Line(0, 2, "b")});
  Append(1, {Line(0, 1, "a"), Line(0, 2, "b"), Line(0, 3, "c")});
  logs_ = std::make_unique<LogFiles>(folder_.path() + "/logs");
  Append(1, {Line(0, 3, "c"), Line(0, 4, "d")});
  EXPECT_THAT(Texts(*logs_->Read("j-1", "", {})),
              ElementsAre("g1 r0 a", "g1 r0 b", "g1 r0 c", "g1 r0 d"));
}

TEST_F(LogFilesTest, StartCountsFilteredLinesFromTheEnd) {
  Append(1, {Line(0, 1, "a"), Line(1, 1, "b"), Line(0, 2, "c", v1::LOG_LEVEL_ERROR)});
  Append(2, {Line(1, 1, "d"), Line(0, 1, "e")});
  const auto last = [&](int lines, LogFilter filter) {
    return Texts(*logs_->Read("j-1", *logs_->Start("j-1", lines, filter), filter));
  };
  EXPECT_THAT(last(2, {}), ElementsAre("g2 r1 d", "g2 r0 e"));
  EXPECT_EQ(last(0, {}).size(), 5u);
  EXPECT_EQ(last(100, {}).size(), 5u);
  LogFilter rank_zero;
  rank_zero.rank = 0;
  EXPECT_THAT(last(2, rank_zero), ElementsAre("g1 r0 c", "g2 r0 e"));
  LogFilter errors;
  errors.min_level = v1::LOG_LEVEL_ERROR;
  EXPECT_THAT(last(5, errors), ElementsAre("g1 r0 c"));
  LogFilter second;
  second.generation = 2;
  EXPECT_THAT(last(1, second), ElementsAre("g2 r0 e"));
}

TEST_F(LogFilesTest, LineThatACrashHasCutIsNotRead) {
  Append(1, {Line(0, 1, "a")});
  std::ofstream(folder_.path() + "/logs/j-1/g0001.jsonl", std::ios::app) << R"({"r": 0, "s")";
  EXPECT_THAT(Texts(*logs_->Read("j-1", "", {})), ElementsAre("g1 r0 a"));
}

TEST_F(LogFilesTest, BytesThatAreNoUtf8DoNoHarm) {
  Append(1, {Line(0, 1, "a"), Line(0, 2, "\xc3\xa9 ok")});
  EXPECT_EQ(logs_->Read("j-1", "", {})->lines.size(), 2u);
}

TEST_F(LogFilesTest, LongLogsComeInChunks) {
  for (int batch = 0; batch < 5; ++batch) {
    std::vector<v1::LogLine> lines;
    for (int i = 0; i < 500; ++i) {
      lines.push_back(Line(0, batch * 500 + i + 1, "x"));
    }
    Append(1, lines);
  }
  std::string cursor;
  size_t count = 0;
  LogChunk chunk;
  do {
    chunk = *logs_->Read("j-1", cursor, {});
    cursor = chunk.cursor;
    count += chunk.lines.size();
    EXPECT_LE(chunk.lines.size(), 1000u);
  } while (chunk.more);
  EXPECT_EQ(count, 2500u);
}

TEST_F(LogFilesTest, DiskThatRefusesIsUnavailable) {
  std::ofstream(folder_.path() + "/logs") << "a file where the folder should be";
  const absl::Status status = logs_->Append("j-1", 1, {Line(0, 1, "a")});
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
}

}  // namespace
}  // namespace ocellus::coordinator
