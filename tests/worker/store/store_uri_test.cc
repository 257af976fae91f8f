#include "worker/store/store_uri.h"

#include <gtest/gtest.h>

namespace ocellus::store {
namespace {

constexpr char kSettings[] = "?endpoint=http://127.0.0.1:9000&region=x";

TEST(StoreUri, SettingsStayAtTheEnd) {
  const std::string store = std::string("s3://bucket/pre") + kSettings;
  EXPECT_EQ(UriOf(store, "p/j/a.png"), std::string("s3://bucket/pre/p/j/a.png") + kSettings);
  EXPECT_EQ(UriOf(store, "p/j/"), std::string("s3://bucket/pre/p/j/") + kSettings);
  EXPECT_EQ(UriOf("s3://bucket", "k"), "s3://bucket/k");
  EXPECT_EQ(UriOf("s3://bucket/?region=x", "k"), "s3://bucket/k?region=x");
  EXPECT_EQ(UriOf("file:///data/store", "p/k"), "file:///data/store/p/k");
  EXPECT_EQ(UriOf("file:///data/odd?name", "k%"), "file:///data/odd?name/k%");
}

TEST(StoreUri, KeysComeBackAsTheyWere) {
  for (const std::string& store :
       {std::string("s3://bucket/pre") + kSettings, std::string("s3://bucket"),
        std::string("s3://bucket?region=x"), std::string("file:///data/odd?name")}) {
    for (const std::string key : {"k", "p/j/checkpoints/step-000000200/g0002-ab/", "a b/50%?#&+"}) {
      EXPECT_EQ(KeyIn(store, UriOf(store, key)), key) << UriOf(store, key);
    }
  }
  EXPECT_EQ(KeyIn(std::string("s3://b/p") + kSettings, "s3://b/p/k"), "k");
  EXPECT_FALSE(KeyIn("s3://b/p", "s3://b/pre/k"));
  EXPECT_FALSE(KeyIn("s3://b/p", "p/k"));
  EXPECT_FALSE(KeyIn("file:///data", "file:///data"));
}

TEST(StoreUri, TheLastPartIsSplitOff) {
  const UriLast s3 = SplitLast(std::string("s3://bucket/a/b%3F/") + kSettings);
  EXPECT_EQ(s3.folder, std::string("s3://bucket/a") + kSettings);
  EXPECT_EQ(s3.name, "b?");
  EXPECT_EQ(SplitLast("s3://bucket/a?region=x").folder, "s3://bucket?region=x");
  EXPECT_EQ(SplitLast("s3://bucket?region=x").name, "");
  EXPECT_EQ(SplitLast("file:///data/run/").folder, "file:///data");
  EXPECT_EQ(SplitLast("file:///data/run/").name, "run");
  EXPECT_EQ(SplitLast("file:///run").folder, "file:///");
  EXPECT_EQ(SplitLast("run").name, "");
}

}  // namespace
}  // namespace ocellus::store
