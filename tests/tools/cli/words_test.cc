#include "tools/cli/words.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace ocellus::cli {
namespace {

TEST(Words, Durations) {
  EXPECT_EQ(DurationText(absl::Seconds(-5)), "0s");
  EXPECT_EQ(DurationText(absl::Seconds(59)), "59s");
  EXPECT_EQ(DurationText(absl::Seconds(60)), "1m");
  EXPECT_EQ(DurationText(absl::Seconds(200)), "3m20s");
  EXPECT_EQ(DurationText(absl::Seconds(2 * 3600 + 300)), "2h5m");
  EXPECT_EQ(DurationText(absl::Hours(99)), "4d3h");
}

TEST(Words, Ages) {
  google::protobuf::Timestamp at;
  EXPECT_EQ(AgeText(at, absl::Now()), "-");
  EXPECT_EQ(TimeText(at), "-");
  at.set_seconds(1000);
  EXPECT_EQ(AgeText(at, absl::FromUnixSeconds(1090)), "1m30s");
}

TEST(Words, BytesAndNumbers) {
  EXPECT_EQ(BytesText(512), "512 B");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(int64_t{3} << 40), "3.0 TiB");
  EXPECT_EQ(BytesText(int64_t{3000} << 40), "3000.0 TiB");
  EXPECT_EQ(NumberText(0.000123456), "0.0001235");
  EXPECT_EQ(PercentText(1, 0), "-");
  EXPECT_EQ(PercentText(50, 200), "25 %");
}

TEST(Words, EnumsLoseTheirPrefix) {
  EXPECT_EQ(StateText(v1::JOB_STATE_RUNNING), "RUNNING");
  EXPECT_EQ(StateText(v1::JOB_STATE_UNSPECIFIED), "-");
  EXPECT_EQ(StateText(static_cast<v1::JobState>(99)), "-");  // a newer server's
  EXPECT_EQ(ReasonText(v1::JOB_REASON_WAITING_FOR_SLOTS), "WAITING_FOR_SLOTS");
  EXPECT_EQ(ClassText(v1::FAILURE_CLASS_INFRA_PROCESS), "INFRA_PROCESS");
  EXPECT_EQ(DeviceText(v1::DEVICE_CPU), "cpu");
  EXPECT_EQ(LevelText(v1::LOG_LEVEL_ERROR), "error");
  EXPECT_EQ(EventTypeText(v1::JOB_EVENT_TYPE_GANG_PLACED), "GANG_PLACED");
}

}  // namespace
}  // namespace ocellus::cli
