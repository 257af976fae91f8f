// `storage check` on folders; tests/worker/store tries the check itself on S3 servers.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_folder.h"
#include "tools/cli/commands.h"

namespace ocellus::cli {
namespace {

struct Said {
  ExitCode code;
  std::string out, err;
};

Said Execute(const std::string& line) {
  Session session;
  CLI::App app("", "ocellus");
  AddAll(&app, &session);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  app.parse(line);
  const std::string out = testing::internal::GetCapturedStdout();
  return {session.exit_code, out, testing::internal::GetCapturedStderr()};
}

TEST(StorageCheck, AFolderPassesAndIsLeftEmpty) {
  const TempFolder folder;
  const Said said = Execute("storage check file://" + folder.path() + " -o json");
  EXPECT_EQ(said.code, kSucceeded) << said.err;
  const auto value = nlohmann::json::parse(said.out);
  EXPECT_EQ(value["passed"], true);
  EXPECT_EQ(value["steps"].size(), 8u);
  for (const auto& step : value["steps"]) EXPECT_EQ(step["result"], "ok") << step;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(entry.path().filename(), "~temp");
  }
}

TEST(StorageCheck, AMistakeInTheUriIsUsage) {
  const Said said = Execute("storage check s3://bucket?secret_key=hunter2");
  EXPECT_EQ(said.code, kUsage);
  EXPECT_NE(said.err.find("next: credentials come from"), std::string::npos) << said.err;
  EXPECT_EQ(said.err.find("hunter2"), std::string::npos);
}

TEST(StorageCheck, AFolderThatCannotBeIsAFailure) {
  const TempFolder folder;
  std::ofstream(folder.path() + "/file") << "x";
  const Said said = Execute("storage check " + folder.path() + "/file/below");
  EXPECT_EQ(said.code, kFailed);
  EXPECT_NE(said.err.find("next: "), std::string::npos) << said.err;
}

}  // namespace
}  // namespace ocellus::cli
