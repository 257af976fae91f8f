#include "worker/wire/event.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace ocellus::wire {
namespace {

using nlohmann::json;

std::vector<EventBody> OneOfEach() {
  return {Hello{1, 42, "0.1.0"},
          Phase{"train"},
          Step{5, 100, 0.5, 1e-4, 2.0, 640, 0.1, 0.01, 0.02, 1, 900.5},
          Restored{5, "u/"},
          Damaged{"u/", "size"},
          CheckpointBegin{5},
          CheckpointReady{5, "id", "{\"version\":1}", 0.1, 0.2, 0.3},
          CheckpointFailed{5, "full"},
          CheckpointPause{5, true, "no answer"},
          Artifact{"encoder", "u"},
          Metric{"knn_accuracy", 0.5, 5},
          Alarm{"collapse", 5, "features are the same"},
          Log{"info", "hi \"there\"\n"},
          StopAck{6},
          ExitRecord{FaultClass::kStorage, "STORE_FULL", "no space", "free some", 6}};
}

TEST(Event, EveryKindRoundTripsOnOneLine) {
  ASSERT_EQ(OneOfEach().size() + 1, std::variant_size_v<EventBody>);
  for (const EventBody& body : OneOfEach()) {
    const std::string line = Print(Event{1, 1.7e9 + 0.25, body});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    std::string error;
    const auto parsed = ParseEvent(line, &error);
    ASSERT_TRUE(parsed) << error;
    EXPECT_EQ(parsed->body.index(), body.index());
    EXPECT_EQ(parsed->rank, 1);
    EXPECT_EQ(parsed->at, 1.7e9 + 0.25);
    EXPECT_EQ(Print(*parsed), line);
  }
}

TEST(Event, EveryKeyIsNeeded) {
  for (const EventBody& body : OneOfEach()) {
    const json whole = json::parse(Print(Event{0, 1, body}));
    for (const auto& [key, value] : whole.items()) {
      json part = whole;
      part.erase(key);
      std::string error;
      EXPECT_FALSE(ParseEvent(part.dump(), &error)) << whole << key;
      EXPECT_NE(error.find("'" + key + "'"), std::string::npos) << error;
    }
  }
}

TEST(Event, ALossThatIsNotFiniteSurvives) {
  Step step;
  step.loss = std::nan("");
  std::string error;
  const auto parsed = ParseEvent(Print(Event{0, 1, step}), &error);
  ASSERT_TRUE(parsed) << error;
  EXPECT_TRUE(std::isnan(std::get<Step>(parsed->body).loss));
}

TEST(Event, TheChanceLossMayBeAbsent) {
  Step step;
  std::string error;
  EXPECT_EQ(Print(Event{0, 1, step}).find("chance_loss"), std::string::npos);
  EXPECT_FALSE(std::get<Step>(ParseEvent(Print(Event{0, 1, step}), &error)->body).chance_loss);
  step.chance_loss = 6.25;
  const auto parsed = ParseEvent(Print(Event{0, 1, step}), &error);
  ASSERT_TRUE(parsed) << error;
  EXPECT_EQ(std::get<Step>(parsed->body).chance_loss, 6.25);
  json wrong = json::parse(Print(Event{0, 1, step}));
  wrong["chance_loss"] = "much";
  EXPECT_FALSE(ParseEvent(wrong.dump(), &error));
  EXPECT_NE(error.find("'chance_loss'"), std::string::npos) << error;
}

TEST(Event, UnknownTypesAndClassesAreTaken) {
  std::string error;
  const auto unknown = ParseEvent(R"({"type":"dream","rank":0,"at":1})", &error);
  ASSERT_TRUE(unknown) << error;
  EXPECT_EQ(unknown->body.index(), 0u);
  const auto exit =
      ParseEvent(R"({"type":"exit","rank":0,"at":1,"class":"weather","outcome":"RAIN",)"
                 R"("message":"","hint":"","step":0})",
                 &error);
  ASSERT_TRUE(exit) << error;
  EXPECT_EQ(std::get<ExitRecord>(exit->body).fault_class, FaultClass::kUnknown);
}

TEST(Event, TextThatIsNotUtf8IsStillOneLineOfJson) {
  const std::string line = Print(Event{0, 1, Log{"info", "bad \xff byte"}});
  std::string error;
  EXPECT_TRUE(ParseEvent(line, &error)) << error;
}

TEST(ExitRecord, CodeFollowsTheRecord) {
  EXPECT_EQ(ExitCode({FaultClass::kNone, "SUCCEEDED"}), 0);
  EXPECT_EQ(ExitCode({FaultClass::kNone, "STOPPED_AT"}), 0);
  EXPECT_EQ(ExitCode({FaultClass::kUser, "BAD_SPEC"}), 2);
  EXPECT_EQ(ExitCode({FaultClass::kStorage, "STORE_FULL"}), 1);
  const ExitRecord record = RecordOf(Fault(FaultClass::kUser, "NO_DATA", "m", "h"), 9);
  EXPECT_EQ(record.outcome, "NO_DATA");
  EXPECT_EQ(record.message, "m");
  EXPECT_EQ(record.hint, "h");
  EXPECT_EQ(record.step, 9);
}

}  // namespace
}  // namespace ocellus::wire
