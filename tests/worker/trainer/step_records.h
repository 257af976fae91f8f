// Recorders that need no GPU, and runs of steps to compare.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/worker/trainer/whole_step.h"
#include "worker/trainer/recorder.h"

namespace ocellus::trainer {

using Lines = std::vector<std::string>;

constexpr int64_t kRecorded = 3;  // the step that is

// What a graph does but for where it runs: the work again, with all that the host said when it was
// recorded. At replays, counts.
class Again final : public Recorder {
 public:
  explicit Again(int* replays) : replays_(replays) {}
  void Record(std::function<void()> work) override { work_ = std::move(work); }
  void Replay() override {
    ++*replays_;
    work_();
  }

 private:
  int* replays_;
  std::function<void()> work_;
};

class Refuses final : public Recorder {
 public:
  void Record(std::function<void()>) override { throw std::runtime_error("not this"); }
  void Replay() override { ADD_FAILURE() << "there is no record"; }
};

struct Run {
  std::vector<Verdict> verdicts;
  Lines said;
};

// Steps 0 to 8; step `broken` is refused, and at step 7 the last rank wishes to stop.
inline Run Steps(Fixture& fixture, const MakeRecorder& make, int64_t broken) {
  Run run;
  fixture.step->RunAhead([&](const std::string& line) { run.said.push_back(line); }, make);
  for (int64_t i = 0; i < 9; ++i) {
    const bool last = fixture.ranks->rank() + 1 == fixture.ranks->world();
    const auto verdict = fixture.Advance(i, {.stop = last && i == 7}, broken).verdict;
    if (verdict) run.verdicts.push_back(*verdict);
  }
  run.verdicts.push_back(fixture.step->Settle().value());
  return run;
}

inline void ExpectSame(const Run& got, const Run& want, int64_t broken) {
  ASSERT_EQ(got.verdicts.size(), want.verdicts.size());
  for (size_t i = 0; i < want.verdicts.size(); ++i) {
    const Verdict &one = got.verdicts[i], &other = want.verdicts[i];
    EXPECT_EQ(one.step, static_cast<int64_t>(i));
    EXPECT_EQ(one.finite, one.step != broken);
    EXPECT_EQ(one.stop, one.step == 7);
    if (one.step == broken) continue;
    EXPECT_EQ(one.loss, other.loss);
    EXPECT_EQ(one.grad_norm, other.grad_norm);
  }
}

}  // namespace ocellus::trainer
