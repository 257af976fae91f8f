// What only a local folder can show: full, read-only and foreign file systems, dead writers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "tests/support/temp_folder.h"
#include "tests/worker/store/conformance.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

namespace fs = std::filesystem;

class LocalStoreTest : public testing::Test {
 protected:
  void TearDown() override {
    if (mounted_) umount2(root_.c_str(), MNT_DETACH);
  }
  // A tmpfs of 1 MiB on root_; empty when done, else why not.
  std::string MountSmall() {
    mounted_ = mount("tmpfs", root_.c_str(), "tmpfs", 0, "size=1m") == 0;
    return mounted_ ? "" : std::string("cannot mount a small tmpfs: ") + std::strerror(errno);
  }
  bool mounted_ = false;
  const TempFolder folder_;
  const std::string& root_ = folder_.path();
};

void ExpectFault(const std::string& outcome, const std::string& cause,
                 const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no fault";
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.fault_class(), wire::FaultClass::kStorage);
    EXPECT_EQ(fault.outcome(), outcome) << fault.what();
    EXPECT_NE(std::string(fault.what()).find(cause), std::string::npos) << fault.what();
    EXPECT_FALSE(fault.hint().empty());
  }
}

TEST_F(LocalStoreTest, AFullDiskLosesNothingThatWasThere) {
  const std::string why_not = MountSmall();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  const auto store = OpenStore(root_);
  store->Put("kept", Bytes(std::string(1000, 'k')));
  const std::string large(2 << 20, 'x');
  ExpectFault("STORE_FULL", "No space left", [&] { store->Put("kept", Bytes(large)); });
  ExpectFault("STORE_FULL", "a/large", [&] { store->PutIfAbsent("a/large", Bytes(large)); });
  EXPECT_EQ(store->Get("kept"), std::string(1000, 'k'));
  EXPECT_EQ(store->List("").size(), 1u);
  store->Put("small", Bytes(std::string(500 << 10, 's')));  // what failed left no bytes behind
}

TEST_F(LocalStoreTest, AReadOnlyStoreCanBeReadAndSaysThatItCannotBeWritten) {
  const std::string why_not = MountSmall();
  if (!why_not.empty()) GTEST_SKIP() << why_not;
  OpenStore(root_)->Put("k", Bytes("v"));
  ASSERT_EQ(mount("tmpfs", root_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
  const auto store = OpenStore(root_);
  EXPECT_EQ(store->Get("k"), "v");
  ExpectFault("STORE_DENIED", "Read-only", [&] { store->Put("k2", Bytes("v")); });
  ExpectFault("STORE_DENIED", "Read-only", [&] { store->Delete("k"); });
}

TEST_F(LocalStoreTest, AFolderOfSomeoneElseIsDenied) {
  OpenStore(root_)->Put("k", Bytes("v"));
  ASSERT_EQ(chmod((folder_ / "~temp").c_str(), 0555), 0);
  // Root may write anywhere, so it acts as nobody here (this thread's file access only).
  if (geteuid() == 0) setfsuid(65534);
  ExpectFault("STORE_DENIED", "Permission denied", [&] { OpenStore(root_)->Put("k", Bytes("w")); });
  if (geteuid() == 0) setfsuid(0);
  EXPECT_EQ(OpenStore(root_)->Get("k"), "v");
}

TEST_F(LocalStoreTest, AFileInTheWayOfAFolderIsNamed) {
  const auto store = OpenStore(root_);
  store->Put("a", Bytes("v"));
  ExpectFault("STORE_ERROR", "a/b", [&] { store->Put("a/b", Bytes("w")); });
  store->Put("c/d", Bytes("v"));
  ExpectFault("STORE_ERROR", "directory", [&] { store->Put("c", Bytes("w")); });
  std::ofstream(folder_ / "file") << "x";
  ExpectFault("STORE_ERROR", "file", [&] { OpenStore(folder_ / "file"); });
}

TEST_F(LocalStoreTest, OldTemporaryFilesGoUnlessTheirWriterLives) {
  const auto store = OpenStore(root_);
  const auto writer = store->Write("slow");
  writer->Append(Bytes("still "));
  std::ofstream(folder_ / "~temp/dead") << "x";
  std::ofstream(folder_ / "~temp/fresh") << "x";
  for (const auto& entry : fs::directory_iterator(folder_ / "~temp")) {
    if (entry.path().filename() != "fresh") {
      fs::last_write_time(entry, fs::file_time_type::clock::now() - std::chrono::hours(2));
    }
  }
  OpenStore(root_);
  EXPECT_FALSE(fs::exists(folder_ / "~temp/dead"));
  EXPECT_TRUE(fs::exists(folder_ / "~temp/fresh"));
  writer->Append(Bytes("here"));
  writer->Finish();
  EXPECT_EQ(store->Get("slow"), "still here");
}

TEST_F(LocalStoreTest, AKilledWriterLeavesNothingVisible) {
  OpenStore(root_)->Put("k", Bytes("old"));
  const pid_t child = fork();
  if (child == 0) {
    const auto writer = OpenStore(root_)->Write("k");
    writer->Append(Bytes("new"));
    _exit(0);  // as SIGKILL: no destructor
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(OpenStore(root_)->Get("k"), "old");
  EXPECT_EQ(OpenStore(root_)->List("").size(), 1u);
}

TEST_F(LocalStoreTest, OneOfSixteenProcessesWins) {
  for (int i = 0; i < 16; ++i) {
    if (fork() == 0) _exit(OpenStore(root_)->PutIfAbsent("k", Bytes("v")) ? 1 : 0);
  }
  int wins = 0, status = 0;
  while (wait(&status) > 0) wins += WEXITSTATUS(status);
  EXPECT_EQ(wins, 1);
}

TEST_F(LocalStoreTest, EmptyFoldersGoWithTheirLastObject) {
  const auto store = OpenStore(root_);
  store->Put("a/b/c", Bytes("x"));
  store->Delete("a/b/c");
  EXPECT_FALSE(fs::exists(folder_ / "a"));
  EXPECT_TRUE(fs::exists(root_));
}

// Blocks of 4 MiB go past the page cache, the rest through it; tmpfs knows the latter alone.
TEST_F(LocalStoreTest, ObjectsOfAnySizeAreWrittenByteForByte) {
  constexpr size_t kBlock = 4 << 20;
  std::string bytes(2 * kBlock + 4097, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  const std::string in_memory = "/dev/shm/ocellus-test-" + std::to_string(getpid());
  for (const std::string& root : {root_, in_memory}) {
    const auto store = OpenStore(root);
    for (const size_t size : {size_t{0}, kBlock - 1, kBlock, kBlock + 1, bytes.size()}) {
      const auto writer = store->Write("x");
      const auto whole = std::as_bytes(std::span(bytes)).first(size);
      for (size_t at = 0; at < size; at += 1'000'003) {
        writer->Append(whole.subspan(at, std::min<size_t>(1'000'003, size - at)));
      }
      writer->Finish();
      EXPECT_TRUE(store->Get("x") == bytes.substr(0, size)) << root << " " << size;
    }
  }
  fs::remove_all(in_memory);
}

TEST_F(LocalStoreTest, UrisAreCanonicalAndStrangeOnesRefused) {
  EXPECT_EQ(OpenStore(folder_ / "")->uri(), "file://" + root_);
  EXPECT_EQ(OpenStore("file://" + folder_ / "x/../")->uri(), "file://" + root_);
  for (const char* uri : {"gs://bucket/x", "file://host/x", "", "gs://b"}) {
    EXPECT_THROW(OpenStore(uri), wire::Fault) << uri;
  }
}

}  // namespace
}  // namespace ocellus::store
