#include "worker/data/tokenizer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "worker/data/caption_text.h"
#include "worker/data/html_text.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

const Tokenizer& Clip() {
  static const auto* tokenizer = new Tokenizer("");
  return *tokenizer;
}

// fixtures/make_captions.py asked open_clip.
nlohmann::json OpenClips(const std::string& name) {
  return nlohmann::json::parse(
      std::ifstream(OCELLUS_SOURCE_DIR "/tests/worker/data/fixtures/" + name));
}

TEST(Tokenizer, HardCaptionsAreOpenClips) {
  const auto rows = OpenClips("captions.json");
  ASSERT_GT(rows.size(), 40u);
  for (const auto& row : rows) {
    EXPECT_EQ(Clip().Encode(row["text"]), row["ids"].get<std::vector<int64_t>>()) << row["text"];
  }
}

TEST(Tokenizer, WronglyDecodedCaptionsAreOpenClips) {
  const auto rows = OpenClips("mojibake.json");
  ASSERT_GT(rows.size(), 200u);
  for (const auto& row : rows) {
    EXPECT_EQ(Clip().Encode(row["text"]), row["ids"].get<std::vector<int64_t>>()) << row["text"];
  }
}

TEST(Tokenizer, FillPutsStartEndAndPadding) {
  std::vector<int64_t> out(6, -1);
  Tokenizer::Fill({5, 6}, 6, out.data());
  EXPECT_EQ(out, (std::vector<int64_t>{49406, 5, 6, 49407, 0, 0}));
}

TEST(Tokenizer, LongCaptionsKeepTheEnd) {
  std::vector<int64_t> out(4, -1);
  Tokenizer::Fill({1, 2, 3}, 4, out.data());
  EXPECT_EQ(out, (std::vector<int64_t>{49406, 1, 2, 49407}));
  EXPECT_LT(Clip().Encode(std::string(1 << 20, 'x')).size(), Tokenizer::kLongest);
}

TEST(Tokenizer, AnyBytesGiveIdsOfTheVocabulary) {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 2654435761u) >> 13);
  for (const int64_t id : Clip().Encode(bytes)) {
    EXPECT_GE(id, 0);
    EXPECT_LT(id, Tokenizer::kVocabulary);
  }
}

TEST(Tokenizer, AMissingOrDamagedVocabularyIsNamed) {
  const auto folder = std::filesystem::temp_directory_path();
  const std::string short_file = folder / ("merges-" + std::to_string(getpid()) + ".txt");
  std::ofstream(short_file) << "#version\ni n\nt h\n";
  for (const std::string& path : {std::string("/nowhere/merges.gz"), short_file}) {
    try {
      Tokenizer tokenizer(path);
      FAIL() << path;
    } catch (const wire::Fault& fault) {
      EXPECT_NE(std::string(fault.what()).find(path), std::string::npos) << fault.what();
    }
  }
  std::filesystem::remove(short_file);
}

TEST(CaptionText, RepairsWhatWasDecodedWrongly) {
  EXPECT_EQ(CleanCaption("caf\u00c3\u00a9"), "caf\u00e9");
  EXPECT_EQ(CleanCaption("voil\u00c3 le travail"), "voil\u00e0 le travail");
  EXPECT_EQ(CleanCaption("\u00e2\u20ac\u0153 so \u00e2\u20ac\ufffd"), "\" so \ufffd");
  EXPECT_EQ(CleanCaption("\u00c5ngstr\u00f6m \u00a9 \u00a3"), "\u00e5ngstr\u00f6m \u00a9 \u00a3");
  EXPECT_EQ(CleanCaption("\xff\xfe plain"), "\ufffd\ufffd plain");
}

TEST(HtmlText, OnlyFtfysReadingNeedsTheSemicolon) {
  EXPECT_EQ(UnescapeHtml("&amp &notit; &#x41;"), "& \u00acit; A");
  EXPECT_EQ(UnescapeCertainHtml("&amp &notit; &#x41; &NTILDE;"), "&amp &notit; A \u00d1");
}

}  // namespace
}  // namespace ocellus::data
