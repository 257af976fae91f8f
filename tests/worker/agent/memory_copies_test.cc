#include "worker/agent/memory_copies.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ocellus::agent {
namespace {

v1::GangRef Ref(int64_t generation, const std::string& job = "j-1") {
  v1::GangRef ref;
  ref.set_job_id(job);
  ref.set_generation(generation);
  return ref;
}

class MemoryCopiesTest : public ::testing::Test {
 protected:
  wire::MemoryCopy Lend(const v1::GangRef& ref) {
    const auto memory = copies_.Lend(ref);
    EXPECT_TRUE(memory.ok()) << memory.status();
    return *memory;
  }
  // Writes to it and says what lies there.
  static void Mark(const wire::MemoryCopy& memory) { EXPECT_EQ(pwrite(memory.fd, "x", 1, 0), 1); }
  static bool Marked(const wire::MemoryCopy& memory) {
    char byte = 0;
    return pread(memory.fd, &byte, 1, 0) == 1 && byte == 'x';
  }

  MemoryCopies copies_{Limits{}};
  SteadyTime now_ = SteadyClock::now();
};

TEST_F(MemoryCopiesTest, TheNextGenerationGetsWhatItsPredecessorLeft) {
  const auto first = Lend(Ref(1));
  EXPECT_GE(first.fd, 10);
  EXPECT_EQ(first.generation, 0);
  Mark(first);
  copies_.Ended(Ref(1), /*well=*/false, now_);
  const auto second = Lend(Ref(2));
  EXPECT_EQ(second.generation, 1);
  EXPECT_TRUE(Marked(second));
  copies_.Ended(Ref(1), /*well=*/true, now_);  // a late word of the first changes nothing
  EXPECT_TRUE(Marked(second));
}

TEST_F(MemoryCopiesTest, AfterAGenerationElsewhereItIsStale) {
  Mark(Lend(Ref(1)));
  const auto third = Lend(Ref(3));
  EXPECT_EQ(third.generation, 0);
  EXPECT_FALSE(Marked(third));
}

TEST_F(MemoryCopiesTest, JobsDoNotShare) {
  Mark(Lend(Ref(1)));
  EXPECT_FALSE(Marked(Lend(Ref(1, "j-2"))));
}

TEST_F(MemoryCopiesTest, IsFreedWhenNobodyComesForIt) {
  Mark(Lend(Ref(1)));
  copies_.Ended(Ref(1), /*well=*/false, now_);
  copies_.Sweep(now_ + std::chrono::minutes(14));
  EXPECT_TRUE(Marked(Lend(Ref(2))));
  copies_.Sweep(now_ + std::chrono::minutes(30));  // in use again
  copies_.Ended(Ref(2), /*well=*/false, now_);
  copies_.Sweep(now_ + std::chrono::minutes(16));
  EXPECT_EQ(Lend(Ref(3)).generation, 0);
}

TEST_F(MemoryCopiesTest, IsFreedAfterAGoodEnd) {
  Mark(Lend(Ref(1)));
  copies_.Ended(Ref(1), /*well=*/true, now_);
  EXPECT_EQ(Lend(Ref(2)).generation, 0);
}

}  // namespace
}  // namespace ocellus::agent
