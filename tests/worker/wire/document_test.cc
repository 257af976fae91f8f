#include "worker/wire/document.h"

#include <gtest/gtest.h>

#include "worker/wire/command.h"
#include "worker/wire/fault.h"

namespace ocellus::wire {
namespace {

using nlohmann::json;

Document Example() {
  Document document;
  document.job = "j-1";
  document.name = "demo";
  document.project = "default";
  document.generation = 3;
  document.rank = 1;
  document.world = 2;
  document.local_rank = 1;
  document.master_addr = "127.0.0.1";
  document.master_port = 29511;
  document.device = "cpu";
  document.spec = {{"seed", 0}, {"objective", {{"mae", {{"mask_ratio", 0.75}}}}}};
  document.store = "file:///s";
  document.prefix = "default/j-1/";
  document.checkpoint = {.every_steps = 100,
                         .keep = 2,
                         .keep_every_steps = 1000,
                         .keep_best = 3,
                         .best_metric = "knn",
                         .auto_interval = true,
                         .fault_interval_s = 3600,
                         .memory_copy = true,
                         .memory_every_steps = 10,
                         .commit = Commit::kSelf};
  document.restore = {{200, "default/j-1/checkpoints/step-000000200/g0002-ab/"}, {100, "x/"}};
  return document;
}

TEST(Document, RoundTrip) {
  std::string error;
  const auto parsed = ParseDocument(Print(Example()), &error);
  ASSERT_TRUE(parsed) << error;
  EXPECT_EQ(Print(*parsed), Print(Example()));
  EXPECT_EQ(parsed->spec["objective"]["mae"]["mask_ratio"], 0.75);
  EXPECT_EQ(parsed->checkpoint.commit, Commit::kSelf);
  ASSERT_EQ(parsed->restore.size(), 2u);
  EXPECT_EQ(parsed->restore[0].step, 200);
}

TEST(Document, EveryKeyIsNeededAndNamedWhenMissing) {
  const json whole = json::parse(Print(Example()));
  for (const auto& [key, value] : whole.items()) {
    if (key == "memory") continue;  // came after the first release
    json part = whole;
    part.erase(key);
    std::string error;
    EXPECT_FALSE(ParseDocument(part.dump(), &error)) << key;
    EXPECT_NE(error.find("'" + key + "'"), std::string::npos) << error;
  }
}

TEST(Document, KeysAfterTheFirstReleaseMayBeMissing) {
  json old = json::parse(Print(Example()));
  old.erase("memory");
  for (const char* key : {"keep_best", "best_metric", "auto_interval", "fault_interval_s",
                          "memory_copy", "memory_every_steps"}) {
    old["checkpoint"].erase(key);
  }
  std::string error;
  const auto parsed = ParseDocument(old.dump(), &error);
  ASSERT_TRUE(parsed) << error;
  EXPECT_EQ(parsed->checkpoint.every_steps, 100);
  EXPECT_FALSE(parsed->checkpoint.memory_copy);
  EXPECT_EQ(parsed->memory.fd, -1);
}

TEST(Document, UnknownKeysAndTheNextVersionAreTaken) {
  json next = json::parse(Print(Example()));
  next["version"] = kVersion + 1;
  next["colour"] = "green";
  std::string error;
  EXPECT_TRUE(ParseDocument(next.dump(), &error)) << error;
  next["version"] = kVersion + 2;
  EXPECT_FALSE(ParseDocument(next.dump(), &error));
  EXPECT_NE(error.find("one release"), std::string::npos) << error;
}

TEST(Document, WrongValuesAreNamed) {
  const json whole = json::parse(Print(Example()));
  const std::pair<const char*, json> cases[] = {
      {"rank", 2},      {"rank", "0"},     {"world", 0},       {"device", "tpu"},
      {"spec", "text"}, {"restore", "no"}, {"checkpoint", {}}, {"master_port", 70000}};
  for (const auto& [key, value] : cases) {
    json bad = whole;
    bad[key] = value;
    std::string error;
    EXPECT_FALSE(ParseDocument(bad.dump(), &error)) << key;
    EXPECT_NE(error.find(key), std::string::npos) << error;
  }
}

TEST(Document, TheTrainerGetsAFault) {
  EXPECT_NO_THROW(RequireDocument(Print(Example())));
  for (const char* line : {"", "{", "[]", "{\"version\":1}"}) {
    try {
      RequireDocument(line);
      FAIL() << line;
    } catch (const Fault& fault) {
      EXPECT_EQ(fault.outcome(), "INTERNAL");
      EXPECT_NE(std::string(fault.what()).find("document"), std::string::npos) << fault.what();
      EXPECT_FALSE(fault.hint().empty());
    }
  }
}

TEST(Command, RoundTrip) {
  std::string error;
  const auto stop = ParseCommand(Print(Stop{"CANCEL", 12.5, true}), &error);
  ASSERT_TRUE(stop) << error;
  EXPECT_EQ(std::get<Stop>(*stop).cause, "CANCEL");
  EXPECT_EQ(std::get<Stop>(*stop).grace_s, 12.5);
  EXPECT_TRUE(std::get<Stop>(*stop).checkpoint);

  const auto grant = ParseCommand(Print(CheckpointGrant{7, "ab", "p/"}), &error);
  ASSERT_TRUE(grant) << error;
  EXPECT_EQ(std::get<CheckpointGrant>(*grant).prefix, "p/");

  const auto result =
      ParseCommand(Print(CheckpointResult{7, false, "stale", {"a/", "b/"}}), &error);
  ASSERT_TRUE(result) << error;
  EXPECT_EQ(std::get<CheckpointResult>(*result).expired, (std::vector<std::string>{"a/", "b/"}));
}

TEST(Command, UnknownTypesAreIgnoredAndMissingKeysRefused) {
  std::string error;
  const auto unknown = ParseCommand(R"({"type":"dance"})", &error);
  ASSERT_TRUE(unknown) << error;
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*unknown));
  EXPECT_FALSE(ParseCommand(R"({"type":"stop","cause":"HOLD","grace_s":1})", &error));
  EXPECT_NE(error.find("checkpoint"), std::string::npos) << error;
  EXPECT_FALSE(ParseCommand("{}", &error));
  EXPECT_FALSE(ParseCommand("stop", &error));
}

}  // namespace
}  // namespace ocellus::wire
