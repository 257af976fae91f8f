// A step whose verdict is read one step late: the same bits, and no look at a tensor's value
// meanwhile, which on a GPU would be a wait for it.
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "tests/worker/trainer/whole_step.h"

namespace ocellus::trainer {
namespace {

TEST(Ahead, GivesTheBitsOfAStepThatWaits) {
  for (const json& section : Documents()) {
    SCOPED_TRACE(section.at("objective").begin().key());
    Fixture waits(section), ahead(section);
    ahead.step->RunAhead([](const std::string&) {});
    std::vector<Verdict> want, got;
    for (int64_t i = 0; i < 5; ++i) {
      want.push_back(waits.step->Judge(waits.step->Backward(waits.At(i), waits.Inputs(i)), {}));
      if (want.back().finite) waits.step->Update(waits.At(i));

      const auto before = ahead.Advance(i, {.stop = i == 3}).verdict;
      EXPECT_EQ(before.has_value(), i > 0);
      if (before) got.push_back(*before);
    }
    got.push_back(ahead.step->Settle().value());
    EXPECT_FALSE(ahead.step->Settle().has_value());

    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(got[i].step, static_cast<int64_t>(i));
      EXPECT_EQ(got[i].finite, i != 2);
      EXPECT_EQ(want[i].finite, i != 2);
      EXPECT_EQ(got[i].stop, i == 3);
      if (i == 2) continue;
      EXPECT_EQ(got[i].loss, want[i].loss);
      EXPECT_EQ(got[i].grad_norm, want[i].grad_norm);
    }
    EXPECT_EQ(ahead.optimizer->steps(), 4);
    ExpectSameState(ahead, waits);
  }
}

// How often a tensor's value was asked for.
class ValueReads {
 public:
  ValueReads() : handle_(at::addGlobalCallback(at::RecordFunctionCallback(OnCall))) { reads_ = 0; }
  ~ValueReads() { at::removeCallback(handle_); }
  ValueReads(const ValueReads&) = delete;
  ValueReads& operator=(const ValueReads&) = delete;
  static int64_t count() { return reads_; }

 private:
  static std::unique_ptr<at::ObserverContext> OnCall(const at::RecordFunction& call) {
    static const std::set<std::string> names = {"aten::_local_scalar_dense", "aten::nonzero",
                                                "aten::is_nonzero", "aten::equal"};
    if (names.contains(call.name())) ++reads_;
    return nullptr;
  }

  static std::atomic<int64_t> reads_;
  at::CallbackHandle handle_;
};

std::atomic<int64_t> ValueReads::reads_{0};

int64_t ReadsOfAStep(const json& section, bool ahead) {
  Fixture fixture(section);
  if (ahead) fixture.step->RunAhead([](const std::string&) {});
  const auto take = [&](int64_t i) {
    if (ahead) return void(fixture.Advance(i));
    fixture.step->Judge(fixture.step->Backward(fixture.At(i), fixture.Inputs(i)), {});
    fixture.step->Update(fixture.At(i));
  };
  take(0);
  const ValueReads reads;
  take(1);
  return reads.count();
}

TEST(Ahead, LooksAtNoValue) {
  for (const json& section : Documents()) {
    SCOPED_TRACE(section.at("objective").begin().key());
    EXPECT_EQ(ReadsOfAStep(section, true), 0);
    EXPECT_GT(ReadsOfAStep(section, false), 0);  // or the count sees nothing
  }
}

}  // namespace
}  // namespace ocellus::trainer
