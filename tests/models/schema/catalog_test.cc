// The schema files themselves: complete, and at peace with their own defaults.
#include "models/schema/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "models/schema/check.h"
#include "models/schema/describe.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

template <typename Visit>
void ForEachKey(const Schema& section, const std::string& path, Visit visit) {
  if (!section.contains("properties")) return;
  for (const auto& [key, property] : section["properties"].items()) {
    std::string at = path.empty() ? key : path + "." + key;
    visit(at, property);
    ForEachKey(property, at, visit);
  }
}

TEST(Catalog, EveryKeyHasDescriptionAndType) {
  int keys = 0;
  ForEachKey(DocumentSchema(), "", [&](const std::string& path, const Schema& key) {
    ++keys;
    EXPECT_GE(key.value("description", "").size(), 10u) << path;
    EXPECT_TRUE(key.contains("type")) << path;
  });
  EXPECT_GT(keys, 60);
}

TEST(Catalog, EverySectionHasSource) {
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    if (file.name == "model_presets") continue;
    Schema schema = Schema::parse(file.text);
    EXPECT_TRUE(schema.contains("source")) << file.name;
  }
}

TEST(Catalog, EveryNumberHasLimits) {
  ForEachKey(DocumentSchema(), "", [](const std::string& path, const Schema& key) {
    const Schema& number = key["type"] == "array" ? key["items"] : key;
    if (number["type"] != "integer" && number["type"] != "number") return;
    EXPECT_FALSE(RangeText(number).empty()) << path;
    EXPECT_TRUE(number.contains("maximum") || number.contains("exclusiveMaximum")) << path;
  });
}

TEST(Catalog, EveryDefaultIsValid) {
  ForEachKey(DocumentSchema(), "", [](const std::string& path, const Schema& key) {
    if (!key.contains("default")) return;
    Source source;
    std::vector<Problem> problems;
    Reporter reporter(&source, &problems);
    json resolved = Check(key, json(key["default"]), path, &reporter);
    AskSecondOpinion(key, resolved, &reporter);
    EXPECT_TRUE(problems.empty()) << problems[0].ToString();
  });
}

TEST(Catalog, EveryObjectivesAugmentIsValidAndResolvesToItself) {
  const Schema& training = TrainingSchema(Use::kJob);
  const Schema& augment = training["properties"]["data"]["properties"]["augment"];
  for (const auto& [name, method] : training["properties"]["objective"]["properties"].items()) {
    json document = {{"objective", {{name, json::object()}}}, {"data", json::object()}};
    FillObjectiveDefaults(&document);
    const json own = method.value("augment", Schema::object());
    EXPECT_EQ(document["data"].value("augment", json::object()), own) << name;
    Source source;
    std::vector<Problem> problems;
    Reporter reporter(&source, &problems);
    const json resolved = Check(augment, own, "data.augment", &reporter);
    EXPECT_TRUE(problems.empty()) << name << ": " << problems[0].ToString();
    for (const auto& [key, value] : own.items()) EXPECT_EQ(resolved[key], value) << name;
  }
}

TEST(Catalog, EveryPresetIsAModel) {
  ASSERT_TRUE(Presets().contains("vit_base_patch16_224"));
  for (const auto& [name, preset] : Presets().items()) {
    Source source;
    std::vector<Problem> problems;
    Reporter reporter(&source, &problems);
    json model = Check(TrainingSchema(Use::kJob)["properties"]["model"], {{"preset", name}},
                       "model", &reporter);
    EXPECT_TRUE(problems.empty()) << problems[0].ToString();
    json with_preset = model;
    with_preset.update(json(preset), /*merge_objects=*/true);
    EXPECT_EQ(model, with_preset) << name;
  }
}

TEST(Catalog, SecondOpinionSeesWhatIsWrong) {
  Source source;
  std::vector<Problem> problems;
  Reporter reporter(&source, &problems);
  const Schema& schema = TrainingSchema(Use::kJob)["properties"]["objective"];
  AskSecondOpinion(schema, {{"mae", {{"mask_ratio", 1.5}}}}, &reporter);
  EXPECT_FALSE(problems.empty());
  problems.clear();
  AskSecondOpinion(schema, {{"mae", {{"mask_ration", 0.5}}}}, &reporter);
  EXPECT_FALSE(problems.empty());
}

TEST(Catalog, KeyPathsAreUnique) {
  std::vector<std::string> paths = KeyPaths();
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(std::adjacent_find(paths.begin(), paths.end()), paths.end());
}

}  // namespace
}  // namespace ocellus::schema
