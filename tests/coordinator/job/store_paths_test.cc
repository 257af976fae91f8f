#include <gtest/gtest.h>

#include "coordinator/base/error.h"
#include "coordinator/job/spec_check.h"

namespace ocellus::coordinator {
namespace {

absl::Status Check(const std::string& text, const std::string& store) {
  return CheckStorePaths(R"({"data": {"train": ["x", ")" + text + R"("]}})", "vision", store);
}

TEST(StorePathsTest, OwnProjectAndOtherPlacesAreFine) {
  const std::string folder = "file:///data/store";
  for (const char* text : {"/data/store/vision/j/*.tar", "file:///data/store/vision/x", "/data/x",
                           "/data/store-2/speech/x", "relative/x", "s3://data/store/speech"}) {
    EXPECT_TRUE(Check(text, folder).ok()) << text;
  }
  const std::string bucket = "s3://bucket/runs?endpoint=http://h:1";
  for (const char* text : {"s3://bucket/runs/vision/x?endpoint=http://h:1", "s3://bucket/data/x",
                           "s3://other/runs/speech/x"}) {
    EXPECT_TRUE(Check(text, bucket).ok()) << text;
  }
}

TEST(StorePathsTest, OthersAreNamedWithTheirKey) {
  for (const char* text :
       {"/data/store/speech/x", "/data/store", "/data/store/*/x", "/data/./store//speech/x",
        "/data/store/vision/../speech/x", "file:///data/store/speech", "/data/store/vision-2/x"}) {
    const absl::Status status = Check(text, "file:///data/store/");
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(ViolationsOf(status).front().first, "data.train");
  }
  for (const char* text : {"s3://bucket/runs/speech/x", "s3://bucket/runs/vision/../speech/x",
                           "s3://bucket/runs?endpoint=x"}) {
    EXPECT_FALSE(Check(text, "s3://bucket/runs?endpoint=http://h:1").ok()) << text;
  }
}

}  // namespace
}  // namespace ocellus::coordinator
