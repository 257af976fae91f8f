#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cstring>
#include <filesystem>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/checkpoint/safetensors.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

const std::vector<float> kOne{1, 2, 3}, kTwo{4};

std::string Outcome(const std::string& path, const std::vector<float>& values) {
  try {
    WriteSafetensors(path, {FloatView("a", values)}, {});
  } catch (const wire::Fault& fault) {
    EXPECT_NE(std::string(fault.what()).find(path), std::string::npos) << fault.what();
    return fault.outcome();
  }
  return "";
}

TEST(SafetensorsWrite, ReadsBack) {
  const TempFolder folder;
  const int64_t step = 7;
  const TensorView scalar{"step", "I64", {}, reinterpret_cast<const std::byte*>(&step), 8};
  const std::string path = folder / "t.safetensors";
  WriteSafetensors(path, {FloatView("b", kTwo), FloatView("a", kOne), scalar}, {{"k", "v\"x"}});

  const SafetensorsFile file = SafetensorsFile::Map(path);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensors()[0].name, "step");  // wide types first, then by name
  EXPECT_EQ(file.tensors()[1].name, "a");
  EXPECT_EQ(std::memcmp(file.Find("a")->data, kOne.data(), 12), 0);
  EXPECT_EQ(std::memcmp(file.Find("step")->data, &step, 8), 0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file.Find("step")->data) % 8, 0u);
  EXPECT_EQ(file.metadata().at("k"), "v\"x");
}

TEST(SafetensorsWrite, TheOrderGivenDoesNotMatter) {
  const TempFolder folder;
  WriteSafetensors(folder / "1", {FloatView("b", kTwo), FloatView("a", kOne)}, {});
  WriteSafetensors(folder / "2", {FloatView("a", kOne), FloatView("b", kTwo)}, {});
  EXPECT_EQ(ReadFile(folder / "1"), ReadFile(folder / "2"));
}

TEST(SafetensorsWrite, SaysWhereItCannotWrite) {
  const TempFolder folder;
  EXPECT_EQ(Outcome(folder / "no/such/folder/t", kOne), "CANNOT_WRITE");
  std::filesystem::create_directory(folder / "t");
  EXPECT_EQ(Outcome(folder / "t", kOne), "CANNOT_WRITE");
  size_t left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "")) {
    left += entry.is_regular_file() ? 1 : 0;
  }
  EXPECT_EQ(left, 0u);
}

TEST(SafetensorsWrite, AFullDiskLeavesTheOldFile) {
  const TempFolder folder;
  const std::string disk = folder / "disk";
  std::filesystem::create_directory(disk);
  if (mount("none", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "mounting a small tmpfs needs root";
  }
  const std::string path = disk + "/t.safetensors";
  EXPECT_EQ(Outcome(path, kOne), "");
  const std::string before = ReadFile(path);
  EXPECT_EQ(Outcome(path, std::vector<float>(100'000)), "STORE_FULL");
  EXPECT_EQ(ReadFile(path), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(disk), {}), 1);
  umount(disk.c_str());
}

}  // namespace
}  // namespace ocellus::checkpoint
