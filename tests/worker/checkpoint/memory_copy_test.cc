#include "worker/checkpoint/memory_copy.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "tests/worker/checkpoint/checkpoint_cases.h"

namespace ocellus::checkpoint {
namespace {

class MemoryCopyTest : public ::testing::Test {
 protected:
  MemoryCopyTest() : fd_(memfd_create("test", MFD_CLOEXEC)), copy_(fd_) {}
  ~MemoryCopyTest() override { close(fd_); }

  static FileSources Sources(float value, size_t count = 1000) {
    const std::vector<float> values(count, value);
    return {{kModelName, {.tensors = {FloatSource("w", values)}}},
            {kOptimizerName, {.tensors = {FloatSource("m", {value})}}}};
  }
  static void Write(MemoryCopy& copy, int64_t step, int64_t generation = 1) {
    Manifest manifest = SmallManifest(step);
    manifest.generation = generation;
    manifest.state = {{"skipped", 2}};
    copy.Write(manifest, Sources(static_cast<float>(step)), "notes of " + std::to_string(step));
  }
  // What another process finds; the step, or -1.
  int64_t StepFound(const std::string& job = "j-1", int64_t generation = 1) const {
    MemoryCopy reader(fd_);
    const auto state = reader.Read(job, generation);
    if (!state) return -1;
    const TensorView* tensor = state->files.at(kModelName).Find("w");
    EXPECT_EQ(tensor->bytes, 4000u);
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(reinterpret_cast<const float*>(tensor->data)[i], static_cast<float>(state->step));
    }
    EXPECT_EQ(state->notes, "notes of " + std::to_string(state->step));
    EXPECT_EQ(state->state["skipped"], 2);
    return state->step;
  }

  int fd_;
  MemoryCopy copy_;
};

TEST_F(MemoryCopyTest, TheNewestIsFound) {
  EXPECT_EQ(StepFound(), -1);
  for (int64_t step : {5, 6, 7, 8}) {
    Write(copy_, step);
    EXPECT_EQ(StepFound(), step);
  }
  MemoryCopy next(fd_);  // the gang that comes after goes on with the slots
  Write(next, 9);
  EXPECT_EQ(StepFound(), 9);
}

TEST_F(MemoryCopyTest, AStaleOrForeignStateIsNone) {
  Write(copy_, 5, /*generation=*/3);
  EXPECT_EQ(StepFound("j-1", 3), 5);
  EXPECT_EQ(StepFound("j-1", 4), 5);
  EXPECT_EQ(StepFound("j-1", 2), -1);
  EXPECT_EQ(StepFound("j-1", 0), -1);
  EXPECT_EQ(StepFound("j-2", 3), -1);
}

TEST_F(MemoryCopyTest, AWriterThatDiesLeavesTheOneBefore) {
  Write(copy_, 5);
  for (int dies_after : {0, 1}) {
    const pid_t child = fork();
    if (child == 0) {
      MemoryCopy copy(fd_);
      FileSources sources = Sources(6);
      int copied = 0;
      for (auto& [name, file] : sources) {
        file.tensors[0].copy = [&, inner = file.tensors[0].copy](std::span<std::byte> to) {
          if (copied++ == dies_after) kill(getpid(), SIGKILL);
          inner(to);
        };
      }
      copy.Write(SmallManifest(6), sources, "");
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(StepFound(), 5);
  }
  Write(copy_, 7);
  EXPECT_EQ(StepFound(), 7);
}

TEST_F(MemoryCopyTest, AStateThatLeadsNowhereIsGivenUp) {
  Write(copy_, 5);
  for (uint32_t use = 0; use < kMemoryUsesMax; ++use) {
    const auto state = copy_.Read("j-1", 1);
    ASSERT_TRUE(state);
    copy_.CountUse(*state);
  }
  EXPECT_EQ(StepFound(), -1);
  Write(copy_, 6);
  EXPECT_EQ(StepFound(), 6);
}

TEST_F(MemoryCopyTest, ALargerStateGetsLargerSlots) {
  Write(copy_, 5);
  copy_.Write(SmallManifest(6), Sources(6, 4 << 20), "");
  const auto state = copy_.Read("j-1", 1);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->step, 6);
  EXPECT_EQ(state->files.at(kModelName).Find("w")->bytes, size_t{16} << 20);
}

TEST_F(MemoryCopyTest, AFlippedBitAnywhereIsSeen) {
  Write(copy_, 5);
  Write(copy_, 6);
  const off_t size = lseek(fd_, 0, SEEK_END);
  for (int seed = 0; seed < 1000; ++seed) {
    std::mt19937_64 random(seed);
    // Both heads, texts and the values lie in the first pages of the slots.
    const off_t slot = 4096 + (random() % 2 ? (size - 4096) / 2 : 0);
    const off_t at = random() % 10 == 0 ? static_cast<off_t>(random() % 16)
                                        : slot + static_cast<off_t>(random() % 9000);
    char byte = 0;
    ASSERT_EQ(pread(fd_, &byte, 1, at), 1);
    const char flipped = static_cast<char>(byte ^ (1 << random() % 8));
    ASSERT_EQ(pwrite(fd_, &flipped, 1, at), 1);
    const int64_t step = StepFound();
    EXPECT_TRUE(step == 5 || step == 6 || step == -1) << "seed " << seed;
    ASSERT_EQ(pwrite(fd_, &byte, 1, at), 1);
  }
  EXPECT_EQ(StepFound(), 6);
}

}  // namespace
}  // namespace ocellus::checkpoint
