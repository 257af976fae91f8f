#include "worker/trainer/loss_curve.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace ocellus::trainer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

History Curve(int64_t steps) {
  History history(steps);
  for (int64_t step = 1; step <= steps; ++step) history.Add({step, std::exp(-step / 50.0)});
  return history;
}

TEST(LossCurve, NamesItsAxesAndItsRun) {
  EXPECT_THAT(LossCurve(Curve(200), "demo <mae> & co"),
              AllOf(HasSubstr("optimizer step"), HasSubstr(">loss<"),
                    HasSubstr("demo &lt;mae> &amp; co"), HasSubstr("</svg>")));
}

TEST(LossCurve, LeavesOutWhatIsNotFinite) {
  History history(3);
  history.Add({1, 2.0});
  history.Add({2, std::numeric_limits<double>::quiet_NaN()});
  history.Add({3, std::numeric_limits<double>::infinity()});
  EXPECT_THAT(LossCurve(history, ""), AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST(LossCurve, ShowsTheChanceLevelDashed) {
  EXPECT_THAT(LossCurve(Curve(20), ""), Not(HasSubstr("stroke-dasharray")));
  History history(2, 6.654);
  history.Add({1, 2.0});
  history.Add({2, 1.0});
  EXPECT_THAT(LossCurve(history, ""),
              AllOf(HasSubstr("stroke-dasharray"), HasSubstr("chance 6.654")));
}

TEST(LossCurve, OfNothingIsStillAPicture) {
  EXPECT_THAT(LossCurve(History(10), "empty"), AllOf(HasSubstr("</svg>"), Not(HasSubstr("nan"))));
}

TEST(LossCurve, OfALongRunStaysSmall) {
  EXPECT_LT(LossCurve(Curve(10'000), "long").size(), 100'000u);
}

}  // namespace
}  // namespace ocellus::trainer
