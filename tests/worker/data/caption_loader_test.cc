#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "tests/worker/data/memory_dataset.h"
#include "worker/data/loader.h"

namespace ocellus::data {
namespace {

LoaderOptions CaptionOptions() {
  LoaderOptions options;
  options.seed = 2;
  options.global_batch = 4;
  ViewOptions view;
  view.name = "images";
  view.size = 8;
  options.views = {view};
  options.texts = {{"tokens", 7}};
  options.tokenizer = std::make_shared<const Tokenizer>("");
  return options;
}

std::shared_ptr<const Dataset> Shard(const TempFolder& folder, const Members& captions) {
  Members members;
  for (const auto& [name, caption] : captions) {
    const std::string key = name.substr(0, name.find('.'));
    members.emplace_back(key + ".jpg", TestJpeg(static_cast<int>(members.size())));
    if (name != key) members.emplace_back(name, caption);
  }
  WriteTar(folder / "a.tar", members);
  return OpenDataset({.sources = {folder / "a.tar"}});
}

TEST(CaptionLoader, CaptionsOfBothKindsBecomeTokens) {
  const TempFolder folder;
  const auto dataset = Shard(folder, {{"a.txt", "a photo of a cat\n"},
                                      {"b.json", R"({"caption": "A  DOG", "other": 1})"},
                                      {"c.txt", "one two three four five six seven eight"},
                                      {"d.json", R"({"caption": "&lt;3"})"}});
  const std::map<std::string, std::vector<int64_t>> wanted{
      {"a photo of a cat", {49406, 320, 1125, 539, 320, 2368, 49407}},
      {"A  DOG", {49406, 320, 1929, 49407, 0, 0, 0}},
      {"&lt;3", {49406, 283, 274, 49407, 0, 0, 0}}};
  const auto loader = MakeLoader(dataset, CaptionOptions(), 0, AllocatePlain, nullptr);
  const HostBatch batch = loader->Next();
  const HostTokens& tokens = batch.tokens.at("tokens");
  ASSERT_EQ(tokens.shape, (std::vector<int64_t>{4, 7}));
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t* row = tokens.values.get() + i * 7;
    const auto found = wanted.find(batch.captions[i]);
    if (found != wanted.end()) {
      EXPECT_EQ(std::vector<int64_t>(row, row + 7), found->second) << batch.captions[i];
    } else {
      EXPECT_EQ(row[6], Tokenizer::kEnd) << batch.captions[i];
    }
  }
}

TEST(CaptionLoader, SamplesWithoutACaptionAreReplacedAndNamed) {
  const TempFolder folder;
  const auto dataset = Shard(folder, {{"a.txt", "one"},
                                      {"b", ""},
                                      {"c.txt", "  \n"},
                                      {"d.txt", "four"},
                                      {"e.txt", "&nbsp;"},
                                      {"f.json", R"({"caption": 5})"},
                                      {"g.txt", "seven"},
                                      {"h.txt", "eight"}});
  std::mutex mutex;
  std::string warnings;
  const auto loader =
      MakeLoader(dataset, CaptionOptions(), 0, AllocatePlain, [&](const std::string& w) {
        const std::lock_guard lock(mutex);
        warnings += w + "\n";
      });
  for (int step = 0; step < 2; ++step) {
    for (const std::string& caption : loader->Next().captions) {
      EXPECT_TRUE(caption == "one" || caption == "four" || caption == "seven" || caption == "eight")
          << caption;
    }
  }
  const std::lock_guard lock(mutex);
  EXPECT_NE(warnings.find("b.jpg: it has no caption"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("e.jpg: its caption has no words"), std::string::npos) << warnings;
}

TEST(CaptionLoader, ASetWithoutCaptionsEnds) {
  const TempFolder folder;
  const auto dataset = Shard(folder, {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}});
  auto options = CaptionOptions();
  options.max_bad_samples = 2;
  const auto loader = MakeLoader(dataset, options, 0, AllocatePlain, nullptr);
  const std::string told = MessageOf("TOO_MANY_BAD_SAMPLES", [&] { loader->Next(); });
  EXPECT_NE(told.find("it has no caption"), std::string::npos) << told;
}

}  // namespace
}  // namespace ocellus::data
