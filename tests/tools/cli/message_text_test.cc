#include "tools/cli/message_text.h"

#include <gtest/gtest.h>

#include "ocellus/v1/job.pb.h"

namespace ocellus::cli {
namespace {

TEST(MessageText, JsonHasProtoNamesAndEmptyFields) {
  v1::Job job;
  job.set_id("j-1");
  job.set_state(v1::JOB_STATE_RUNNING);
  job.mutable_progress()->set_step(5);
  const auto json = JsonOf(job);
  EXPECT_EQ(json["id"], "j-1");
  EXPECT_EQ(json["state"], "JOB_STATE_RUNNING");
  EXPECT_EQ(json["progress"]["total_steps"], "0");
  EXPECT_EQ(json["progress"]["step"], "5");
  EXPECT_EQ(json["resolved_json"], "");
  EXPECT_FALSE(json.contains("last_failure"));
}

TEST(MessageText, Yaml) {
  const auto value = nlohmann::ordered_json::parse(
      R"({"b": {"x": [1, 2.5], "y": ["no", "a\nb"]}, "a": true, "n": null, "e": {}, "l": []})");
  EXPECT_EQ(YamlText(value),
            "b:\n"
            "  x: [1, 2.5]\n"
            "  y:\n"
            "    - \"no\"\n"
            "    - \"a\\nb\"\n"
            "a: true\n"
            "n: ~\n"
            "e: {}\n"
            "l: []\n");
}

}  // namespace
}  // namespace ocellus::cli
