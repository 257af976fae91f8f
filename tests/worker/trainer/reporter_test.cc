#include "worker/trainer/reporter.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "worker/wire/event.h"

namespace ocellus::trainer {
namespace {

using testing::HasSubstr;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_), 0); }
  int in() const { return ends_[1]; }
  std::string ReadAll() {
    close(ends_[1]);
    std::string text;
    char part[4096];
    for (ssize_t n; (n = read(ends_[0], part, sizeof(part))) > 0;) text.append(part, n);
    close(ends_[0]);
    return text;
  }

 private:
  int ends_[2];
};

TEST(PipeReporter, NothingComesAfterTheExitRecord) {
  Pipe pipe;
  PipeReporter reporter(pipe.in(), 3);
  reporter.Log("info", "before");
  reporter.Exit({wire::FaultClass::kNone, "SUCCEEDED", "", "", 5});
  reporter.Log("info", "after");
  reporter.Exit({wire::FaultClass::kUnknown, "INTERNAL", "", "", 0});
  const std::string text = pipe.ReadAll();
  EXPECT_THAT(text, HasSubstr("before"));
  EXPECT_EQ(text.find("after"), std::string::npos);
  EXPECT_EQ(text.find("INTERNAL"), std::string::npos);
  EXPECT_THAT(text, HasSubstr("\"rank\":3"));
}

TEST(PipeReporter, LinesOfSeveralThreadsDoNotMix) {
  Pipe pipe;
  PipeReporter reporter(pipe.in(), 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) reporter.Log("info", "line");
    });
  }
  for (auto& thread : threads) thread.join();
  std::istringstream lines(pipe.ReadAll());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    std::string error;
    EXPECT_TRUE(wire::ParseEvent(line, &error)) << line << ": " << error;
  }
  EXPECT_EQ(count, 200);
}

TEST(PipeReporter, EndsTheProcessWhenNobodyReads) {
  const auto tell_nobody = [] {
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    if (pipe(ends) != 0) _exit(9);
    close(ends[0]);
    PipeReporter reporter(ends[1], 0);
    reporter.Log("info", "anyone?");
    _exit(0);
  };
  EXPECT_EXIT(tell_nobody(), testing::ExitedWithCode(1), "");
}

TEST(ProgressLine, SaysWhatAPersonWantsToKnow) {
  wire::Step step;
  step.step = 120;
  step.total_steps = 2000;
  step.loss = 0.81234;
  step.samples = 120 * 64;
  step.images_per_s = 412;
  EXPECT_THAT(ProgressLine(step), HasSubstr("step 120/2000  loss 0.8123"));
  EXPECT_THAT(ProgressLine(step), HasSubstr("412 images/s"));
  EXPECT_THAT(ProgressLine(step), HasSubstr("ETA 4m52s"));
  step.chance_loss = 6.65421;
  EXPECT_THAT(ProgressLine(step), HasSubstr("loss 0.8123 (chance 6.654)"));
  step.skipped = 2;
  EXPECT_THAT(ProgressLine(step), HasSubstr("2 skipped"));
}

}  // namespace
}  // namespace ocellus::trainer
