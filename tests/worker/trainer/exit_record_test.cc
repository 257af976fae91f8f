#include "worker/trainer/exit_record.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <new>
#include <stdexcept>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

template <typename Throw>
wire::ExitRecord RecordOf(Throw body) {
  try {
    body();
  } catch (...) {
    return RecordOfCurrentException(12);
  }
  return {};
}

TEST(ExitRecord, OfAFaultIsItsOwn) {
  const auto record =
      RecordOf([] { throw wire::Fault(wire::FaultClass::kStorage, "STORE_FULL", "m", "h"); });
  EXPECT_EQ(record.outcome, "STORE_FULL");
  EXPECT_EQ(record.fault_class, wire::FaultClass::kStorage);
  EXPECT_EQ(record.message, "m");
  EXPECT_EQ(record.hint, "h");
  EXPECT_EQ(record.step, 12);
}

TEST(ExitRecord, OfNoMemoryIsTheUsers) {
  const auto record = RecordOf([] { throw std::bad_alloc(); });
  EXPECT_EQ(record.outcome, "OUT_OF_MEMORY");
  EXPECT_EQ(wire::ExitCode(record), 2);
}

TEST(ExitRecord, OfTorchRefusingAnAllocationIsOutOfMemory) {
  const auto record = RecordOf([] { torch::empty({int64_t{1} << 60}); });
  EXPECT_EQ(record.outcome, "OUT_OF_MEMORY") << record.message;
}

TEST(ExitRecord, OfATorchErrorHasNoTrace) {
  const auto record = RecordOf([] { torch::zeros({2}).view({3}); });
  EXPECT_EQ(record.outcome, "INTERNAL");
  EXPECT_EQ(record.fault_class, wire::FaultClass::kUnknown);
  EXPECT_EQ(record.message.find('\n'), std::string::npos);
}

TEST(ExitRecord, OfAnythingElseIsInternal) {
  EXPECT_EQ(RecordOf([] { throw 5; }).outcome, "INTERNAL");
  EXPECT_EQ(RecordOf([] { throw std::runtime_error("x"); }).message, "x");
}

TEST(TerminateHandler, LeavesARecord) {
  const auto die = [] {
    static PipeReporter reporter(2, 0);  // stderr, where the death test looks
    InstallTerminateHandler(&reporter);
    throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", "thrown where nobody catches");
  };
  EXPECT_EXIT([&]() noexcept { die(); }(), testing::ExitedWithCode(2), "\"outcome\":\"BAD_SPEC\"");
}

}  // namespace
}  // namespace ocellus::trainer
