#include "worker/checkpoint/manifest.h"

#include <gtest/gtest.h>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

using nlohmann::json;

json Sound() {
  Manifest manifest = SmallManifest(200);
  manifest.files = {{kModelName, 123, std::string(64, 'a')}};
  manifest.state = {{"skipped", 3}};
  return json::parse(ToText(manifest));
}

void ExpectRefused(const json& object, const std::string& cause) {
  try {
    ParseManifest(object.dump(), "p/manifest.json");
    ADD_FAILURE() << "accepted: " << cause;
  } catch (const wire::Fault& fault) {
    const std::string message = fault.what();
    EXPECT_EQ(fault.outcome(), "CORRUPT_FILE");
    EXPECT_NE(message.find("p/manifest.json " + cause), std::string::npos) << message;
  }
}

TEST(Manifest, ReadsBack) {
  const Manifest manifest = ParseManifest(Sound().dump(), "m");
  EXPECT_EQ(manifest.job, "j-1");
  EXPECT_EQ(manifest.step, 200);
  EXPECT_EQ(manifest.samples, 1600);
  ASSERT_EQ(manifest.files.size(), 1u);
  EXPECT_EQ(manifest.files[0].bytes, 123);
  EXPECT_EQ(manifest.state["skipped"], 3);
  EXPECT_EQ(manifest.document["seed"], 0);
  EXPECT_EQ(ToText(manifest), Sound().dump());
}

TEST(Manifest, IgnoresKeysThatItDoesNotKnow) {
  json object = Sound();
  object["later"] = 1;
  object.erase("state");
  EXPECT_TRUE(ParseManifest(object.dump(), "m").state.empty());
}

TEST(Manifest, NamesWhatIsWrong) {
  ExpectRefused(json::array(), "is no JSON object");
  for (const char* key : {"version", "job", "generation", "step", "samples", "files", "document",
                          "created", "trainer"}) {
    json object = Sound();
    object.erase(key);
    ExpectRefused(object, std::string("lacks '") + key + "'");
    object[key] = true;
    ExpectRefused(object, std::string("has a bad '") + key + "'");
  }
  json object = Sound();
  object["version"] = 3;
  ExpectRefused(object, "has version 3; this program reads up to version 2");
  object = Sound();
  object["step"] = -1;
  ExpectRefused(object, "has a negative 'step'");
  object = Sound();
  object["files"] = json::array();
  ExpectRefused(object, "names no files");
  EXPECT_THROW(ParseManifest("", "m"), wire::Fault);
  EXPECT_THROW(ParseManifest("{\"version\":1", "m"), wire::Fault);
}

TEST(Manifest, RefusesFilesElsewhere) {
  for (const char* name : {"../other", "a/b", "", "manifest.json"}) {
    json object = Sound();
    object["files"][0]["name"] = name;
    ExpectRefused(object, "names the file '" + std::string(name) + "'");
  }
  json object = Sound();
  object["files"][0]["sha256"] = "abc";
  ExpectRefused(object, "has a bad 'sha256'");
}

TEST(Manifest, PlacesSortByStep) {
  EXPECT_EQ(CheckpointPrefix("default/j-1/", 200, 1, "ab12cd34"),
            "default/j-1/checkpoints/step-000000200/g0001-ab12cd34/");
  EXPECT_LT(CheckpointPrefix("", 999, 1, "a"), CheckpointPrefix("", 1000, 1, "a"));
  EXPECT_EQ(RfcTime(86400), "1970-01-02T00:00:00Z");
}

}  // namespace
}  // namespace ocellus::checkpoint
