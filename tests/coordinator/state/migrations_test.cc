// Migrations run one by one, whole or not at all, and never backwards.
#include "coordinator/state/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

TEST(MigrationsTest, StepByStepAndKeepsRows) {
  TempFolder folder;
  const std::string path = folder.path() + "/m.db";
  {
    auto db = *Database::Open(path);
    ASSERT_TRUE(Migrate(*db, {"CREATE TABLE t (a INTEGER)"}).ok());
    ASSERT_TRUE(db->Run("INSERT INTO t VALUES (?)", 5).ok());
  }
  auto db = *Database::Open(path);
  const std::vector<std::string> two = {"this is not run again",
                                        "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 9"};
  ASSERT_TRUE(Migrate(*db, two).ok());
  ASSERT_TRUE(Migrate(*db, two).ok());
  Statement row = db->Query("SELECT a, b FROM t");
  ASSERT_TRUE(row.Next());
  EXPECT_EQ(row.Int(0), 5);
  EXPECT_EQ(row.Int(1), 9);
}

TEST(MigrationsTest, FailedStepLeavesTheVersionBefore) {
  TempFolder folder;
  auto db = *Database::Open(folder.path() + "/m.db");
  EXPECT_FALSE(Migrate(*db, {"CREATE TABLE t (a)", "CREATE TABLE u (b); nonsense"}).ok());
  EXPECT_TRUE(Migrate(*db, {"", "CREATE TABLE u (b)"}).ok());
}

TEST(MigrationsTest, NewerStoreIsRefused) {
  TempFolder folder;
  auto db = *Database::Open(folder.path() + "/m.db");
  ASSERT_TRUE(Migrate(*db, {"CREATE TABLE t (a)", "CREATE TABLE u (b)"}).ok());
  const absl::Status status = Migrate(*db, {"CREATE TABLE t (a)"});
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer Ocellus"));
}

}  // namespace
}  // namespace ocellus::coordinator
