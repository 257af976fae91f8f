#include "worker/wire/line_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

namespace ocellus::wire {
namespace {

using Result = LineReader::Result;

class LineIo : public testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    ASSERT_EQ(pipe2(fds_, O_CLOEXEC), 0);
  }
  void TearDown() override {
    CloseRead();
    CloseWrite();
  }
  void CloseRead() {
    if (fds_[0] >= 0) close(fds_[0]);
    fds_[0] = -1;
  }
  void CloseWrite() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  void Raw(const std::string& bytes) {
    ASSERT_EQ(write(fds_[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  int fds_[2];
};

TEST_F(LineIo, LinesComeOutAsTheyWentIn) {
  Raw("one\n\nthr");
  Raw("ee\ncut off");
  CloseWrite();
  LineReader reader(fds_[0]);
  std::string line;
  for (const char* expected : {"one", "", "three"}) {
    ASSERT_EQ(reader.Next(&line), Result::kLine);
    EXPECT_EQ(line, expected);
  }
  EXPECT_EQ(reader.Next(&line), Result::kEnd);
}

TEST_F(LineIo, ANonBlockingReaderSaysAgain) {
  fcntl(fds_[0], F_SETFL, O_NONBLOCK);
  LineReader reader(fds_[0]);
  std::string line;
  Raw("ha");
  EXPECT_EQ(reader.Next(&line), Result::kAgain);
  Raw("lf\n");
  ASSERT_EQ(reader.Next(&line), Result::kLine);
  EXPECT_EQ(line, "half");
}

TEST_F(LineIo, ALineOverTheLimitIsSkippedAndTheNextOneRead) {
  LineReader reader(fds_[0], 8);
  Raw("12345678\n123456789\n" + std::string(1000, 'x') + "\nok\n");
  std::string line;
  EXPECT_EQ(reader.Next(&line), Result::kLine);
  EXPECT_EQ(reader.Next(&line), Result::kTooLong);
  EXPECT_EQ(reader.Next(&line), Result::kTooLong);
  ASSERT_EQ(reader.Next(&line), Result::kLine);
  EXPECT_EQ(line, "ok");
}

TEST_F(LineIo, ALineOfTheLimitPassesAndALongerOneIsRefused) {
  std::string line;
  std::thread writer([&] {
    LineWriter out(fds_[1]);
    EXPECT_FALSE(out.Write(std::string(kLineBytesMax + 1, 'x')));
    EXPECT_EQ(errno, EMSGSIZE);
    EXPECT_FALSE(out.Write("a\nb"));
    EXPECT_TRUE(out.Write(std::string(kLineBytesMax, 'x')));
  });
  LineReader reader(fds_[0]);
  EXPECT_EQ(reader.Next(&line), Result::kLine);
  writer.join();
  EXPECT_EQ(line.size(), kLineBytesMax);
}

TEST_F(LineIo, AFullPipeTimesOutAndStaysBroken) {
  fcntl(fds_[1], F_SETFL, O_NONBLOCK);
  LineWriter writer(fds_[1]);
  EXPECT_FALSE(writer.Write(std::string(1 << 20, 'x'), std::chrono::milliseconds(20)));
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_FALSE(writer.Write("small"));
}

TEST_F(LineIo, AGoneReaderIsAnErrorNotASignal) {
  CloseRead();
  LineWriter writer(fds_[1]);
  EXPECT_FALSE(writer.Write("hello"));
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(LineIo, LinesOfManyThreadsDoNotMix) {
  constexpr int kThreads = 4, kLines = 50;
  LineWriter writer(fds_[1]);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kLines; ++i)
        writer.Write(std::string(9000 + i, static_cast<char>('a' + t)));
    });
  }
  LineReader reader(fds_[0]);
  std::string line;
  for (int i = 0; i < kThreads * kLines; ++i) {
    ASSERT_EQ(reader.Next(&line), Result::kLine);
    EXPECT_EQ(std::set<char>(line.begin(), line.end()).size(), 1u);
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace ocellus::wire
