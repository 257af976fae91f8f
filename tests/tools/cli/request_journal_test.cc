#include "tools/cli/request_journal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/temp_folder.h"

namespace ocellus::cli {
namespace {

TEST(RequestJournal, AppendsALineForEachNote) {
  TempFolder folder;
  const std::string path = folder / "deep/er/requests.jsonl";
  ASSERT_TRUE(WriteNote(path, {"id-1", "127.0.0.1:1", "job.yaml", "demo", ""}).ok());
  ASSERT_TRUE(WriteNote(path, {"id-1", "127.0.0.1:1", "job.yaml", "demo", "j-1"}).ok());
  std::ifstream file(path);
  std::string first, second, third;
  std::getline(file, first);
  std::getline(file, second);
  EXPECT_FALSE(std::getline(file, third));
  EXPECT_EQ(nlohmann::json::parse(first)["request_id"], "id-1");
  EXPECT_EQ(nlohmann::json::parse(second)["job"], "j-1");
}

TEST(RequestJournal, SaysWhyItCannotWrite) {
  TempFolder folder;
  folder.Write("file", "x");
  EXPECT_FALSE(WriteNote(folder / "file/requests.jsonl", {}).ok());
}

TEST(RequestJournal, Place) {
  setenv("XDG_CACHE_HOME", "/c", 1);
  EXPECT_EQ(JournalPath(), "/c/ocellus/requests.jsonl");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/h", 1);
  EXPECT_EQ(JournalPath(), "/h/.cache/ocellus/requests.jsonl");
}

}  // namespace
}  // namespace ocellus::cli
