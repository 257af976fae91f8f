#include "worker/agent/log_spool.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_folder.h"

namespace ocellus::agent {
namespace {

class LogSpoolTest : public testing::Test {
 protected:
  static void Append(LogSpool* spool, int64_t seq) {
    v1::LogLine line;
    line.set_seq(seq);
    line.set_text(std::string(90, 'x'));
    spool->Append(line);
  }
  TempFolder folder_;
};

TEST_F(LogSpoolTest, LinesComeBackInOrderUntilAcknowledged) {
  LogSpool spool(folder_ / "s", 1 << 20, 1000);
  EXPECT_TRUE(spool.empty());
  for (int64_t seq = 1; seq <= 100; ++seq) Append(&spool, seq);
  EXPECT_FALSE(spool.empty());
  EXPECT_EQ(spool.Peek(500).lines.front().seq(), 1);
  int64_t next = 1;
  while (!spool.empty()) {
    const LogSpool::Batch batch = spool.Peek(500);
    ASSERT_FALSE(batch.lines.empty());
    EXPECT_EQ(batch.dropped, 0);
    for (const v1::LogLine& line : batch.lines) EXPECT_EQ(line.seq(), next++);
    spool.Acknowledge(batch);
  }
  EXPECT_EQ(next, 101);
  Append(&spool, 101);
  EXPECT_EQ(spool.Peek(1).lines.size(), 1u);
}

TEST_F(LogSpoolTest, LinesAppendedBetweenPeekAndAcknowledgeStay) {
  LogSpool spool(folder_ / "s", 1 << 20, 1 << 20);
  Append(&spool, 1);
  const LogSpool::Batch batch = spool.Peek(1 << 20);
  Append(&spool, 2);
  spool.Acknowledge(batch);
  ASSERT_EQ(spool.Peek(1 << 20).lines.size(), 1u);
  EXPECT_EQ(spool.Peek(1 << 20).lines[0].seq(), 2);
}

TEST_F(LogSpoolTest, OverTheLimitTheOldestGoAndAreCounted) {
  LogSpool spool(folder_ / "s", 5000, 1000);
  for (int64_t seq = 1; seq <= 1000; ++seq) Append(&spool, seq);
  const int64_t dropped = spool.dropped_lines();
  EXPECT_GT(dropped, 900);
  EXPECT_LT(dropped, 1000);
  LogSpool::Batch batch = spool.Peek(1 << 20);
  EXPECT_EQ(batch.dropped, dropped);
  EXPECT_EQ(batch.lines.front().seq(), dropped + 1);
  spool.Acknowledge(batch);
  EXPECT_EQ(spool.Peek(1 << 20).dropped, 0);
}

TEST_F(LogSpoolTest, ASegmentDroppedWhileItIsSentIsNotAcknowledgedTwice) {
  LogSpool spool(folder_ / "s", 3000, 1000);
  Append(&spool, 1);
  const LogSpool::Batch batch = spool.Peek(1 << 20);
  for (int64_t seq = 2; seq <= 100; ++seq) Append(&spool, seq);
  spool.Acknowledge(batch);
  EXPECT_EQ(spool.Peek(1 << 20).lines.front().seq(), spool.dropped_lines() + 1);
}

TEST_F(LogSpoolTest, NothingStaysOnDisk) {
  {
    LogSpool spool(folder_ / "s", 1 << 20, 1000);
    for (int64_t seq = 1; seq <= 100; ++seq) Append(&spool, seq);
    EXPECT_FALSE(std::filesystem::is_empty(folder_ / "s"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "s"));
}

TEST_F(LogSpoolTest, AFolderThatCannotBeMadeDropsAndCounts) {
  LogSpool spool("/proc/none/s", 1 << 20, 1000);
  Append(&spool, 1);
  EXPECT_EQ(spool.dropped_lines(), 1);
  EXPECT_FALSE(spool.empty());  // the gap is still to be told
  const LogSpool::Batch batch = spool.Peek(1 << 20);
  EXPECT_EQ(batch.dropped, 1);
  spool.Acknowledge(batch);
  EXPECT_TRUE(spool.empty());
}

}  // namespace
}  // namespace ocellus::agent
