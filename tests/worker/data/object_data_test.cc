// Shards in an object store against the same shards in a folder, on real servers.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "tests/worker/data/test_images.h"
#include "tests/worker/store/fault_proxy.h"
#include "tests/worker/store/s3_server.h"
#include "worker/data/loader.h"
#include "worker/data/object_shard.h"
#include "worker/store/store_uri.h"

namespace ocellus::data {
namespace {

using store::S3Server;
using Kind = S3Server::Kind;
using std::chrono::steady_clock;

constexpr int kShards = 4, kImagesAShard = 10;

std::string MemberName(int i) { return "s" + std::to_string(i); }

// Images, captions, classes and masks.
Members MembersOf(int shard) {
  Members members;
  for (int i = 0; i < kImagesAShard; ++i) {
    const int n = shard * kImagesAShard + i;
    members.push_back({MemberName(n) + ".jpg", TestJpeg(n, 40 + n % 9, 36 + n % 5)});
    members.push_back({MemberName(n) + ".cls", std::to_string(n % 3)});
    members.push_back({MemberName(n) + ".txt", "caption " + std::to_string(n)});
    members.push_back({MemberName(n) + ".mask.png", "mask " + std::to_string(n)});
  }
  return members;
}

class ObjectData : public testing::TestWithParam<Kind> {
 protected:
  ObjectData() {
    setenv("AWS_ACCESS_KEY_ID", store::kTestAccessKey, 1);
    setenv("AWS_SECRET_ACCESS_KEY", store::kTestSecretKey, 1);
    setenv("XDG_CACHE_HOME", (folder_ / "xdg").c_str(), 1);
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    prefix_ = std::string("data/") + test->name();
    store_ = store::OpenStore(server().Uri(""));
    std::filesystem::create_directories(folder_ / "local");
    for (int shard = 0; shard < kShards; ++shard) {
      const std::string name = "t-00" + std::to_string(shard) + ".tar";
      WriteTar(folder_ / "local/" + name, MembersOf(shard));
      store_->PutFile(prefix_ + "/" + name, folder_ / "local/" + name);
      shard_bytes_ = std::max<int64_t>(shard_bytes_, store_->Head(prefix_ + "/" + name)->bytes);
    }
  }

  S3Server& server() { return S3Server::Get(GetParam()); }
  std::string Word(const std::string& name, const std::string& settings = "") {
    return server().Uri(prefix_ + "/" + name, settings);
  }
  DatasetOptions Options(const std::string& word) {
    DatasetOptions options{.sources = {word}, .masks = true};
    options.store.cache_folder = folder_ / "cache";
    options.on_warning = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      warnings_.push_back(line);
    };
    return options;
  }
  std::shared_ptr<const Dataset> Local() {
    return OpenDataset({.sources = {folder_ / "local/*.tar"}, .masks = true});
  }
  // Names of a kind in the cache.
  std::vector<std::string> Cached(const std::string& ending) {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "cache", none)) {
      if (file.path().string().ends_with(ending)) names.push_back(file.path().string());
    }
    return names;
  }
  static bool Reached(const std::function<bool()>& condition) {
    const auto end = steady_clock::now() + std::chrono::seconds(60);
    while (!condition() && steady_clock::now() < end) std::this_thread::yield();
    return condition();
  }
  std::vector<std::string> Warnings() {
    const std::lock_guard lock(mutex_);
    return warnings_;
  }

  const TempFolder folder_;
  std::string prefix_;
  std::unique_ptr<store::ObjectStore> store_;
  int64_t shard_bytes_ = 0;
  std::mutex mutex_;
  std::vector<std::string> warnings_;
};

void ExpectEqual(const Dataset& a, const Dataset& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a.classes(), b.classes());
  for (int64_t i = 0; i < a.size(); ++i) {
    const Sample x = a.Get(i), y = b.Get(i);
    EXPECT_TRUE(x.image == y.image) << i;
    EXPECT_EQ(x.label, y.label);
    EXPECT_EQ(x.caption, y.caption);
    EXPECT_EQ(x.mask, y.mask);
    EXPECT_EQ(x.key.substr(x.key.rfind('/')), y.key.substr(y.key.rfind('/')));
  }
}

TEST_P(ObjectData, EveryWayToNameShardsGivesTheFolder) {
  const auto local = Local();
  for (const char* name : {"t-{000..003}.tar", "t-{000,001,002,003}.tar", "t-*.tar",
                           "t-00[0-3].tar", "", "t-00{0..1}.tar"}) {
    const std::string word = Word(name);
    if (std::string(name) != "t-00{0..1}.tar") ExpectEqual(*OpenDataset(Options(word)), *local);
    DatasetOptions list = Options(word);
    if (std::string(name) != "t-00{0..1}.tar") continue;
    list.sources.push_back(Word("t-002.tar"));
    list.sources.push_back(folder_ / "local/t-003.tar");
    ExpectEqual(*OpenDataset(list), *local);
  }
  EXPECT_EQ(OpenDataset(Options(Word("t-002.tar")))->Get(3).key,
            "s3://ocellus-test/" + prefix_ + "/t-002.tar:s23.jpg");
  EXPECT_TRUE(Warnings().empty());
}

// One rank's rows by position.
using Rows = std::map<int64_t, std::string>;

Rows RowsOf(const std::vector<std::shared_ptr<const Dataset>>& of_ranks, int threads) {
  LoaderOptions options{.seed = 3, .global_batch = 8, .threads = threads, .prefetch = 2};
  options.world = static_cast<int>(of_ranks.size());
  options.views.push_back({.name = "images", .size = 16});
  Rows rows;
  for (options.rank = 0; options.rank < options.world; ++options.rank) {
    const auto loader = MakeLoader(
        of_ranks[options.rank], options, 0,
        [](size_t n) { return std::shared_ptr<std::byte[]>(new std::byte[n]); }, nullptr);
    for (int step = 0; step < 15; ++step) {
      const HostBatch batch = loader->Next();
      const size_t values = size_t{3} * 16 * 16;
      for (size_t i = 0; i < batch.positions.size(); ++i) {
        std::string row = batch.captions[i] + std::to_string(batch.labels[i]);
        row.append(reinterpret_cast<const char*>(batch.tensors.at("images").values.get()) +
                       i * values * sizeof(float),
                   values * sizeof(float));
        EXPECT_TRUE(rows.emplace(batch.positions[i], row).second);
      }
    }
  }
  return rows;
}

TEST_P(ObjectData, BatchesAreThoseOfTheFolderBitForBit) {
  const Rows local = RowsOf({Local()}, 1);
  ASSERT_EQ(local.size(), 120u);
  for (const int64_t room : {int64_t{1} << 30, shard_bytes_ * 2, int64_t{0}}) {
    for (const int ranks : {1, 2}) {
      for (const int64_t ahead : {0, 7, 256}) {
        std::vector<std::shared_ptr<const Dataset>> of_ranks;
        for (int rank = 0; rank < ranks; ++rank) {
          DatasetOptions options = Options(Word("t-*.tar"));
          options.store.cache_folder += std::to_string(room);
          options.store.cache_bytes_max = room;
          options.store.read_ahead = ahead;
          of_ranks.push_back(OpenDataset(options));
        }
        EXPECT_TRUE(RowsOf(of_ranks, ranks + 1) == local)
            << room << " bytes, " << ranks << " ranks, " << ahead << " ahead";
      }
    }
  }
  EXPECT_TRUE(Warnings().empty()) << Warnings().front();
}

TEST_P(ObjectData, TheCacheIsFilledSharedAndBounded) {
  OpenDataset(Options(Word("t-*.tar")));  // made on the fly
  EXPECT_EQ(Cached(".tar").size(), 4u);
  EXPECT_EQ(Cached(".ocxidx").size(), 4u);
  // Nothing but Head is asked of the store now.
  store_->DeletePrefix(prefix_ + "/");
  for (int i = 0; i < kShards; ++i) {
    const std::string name = "t-00" + std::to_string(i) + ".tar";
    store_->PutFile(prefix_ + "/" + name, folder_ / "local/" + name);
  }
  ExpectEqual(*OpenDataset(Options(Word("t-*.tar"))), *Local());
  DatasetOptions small = Options(Word("t-*.tar"));
  small.store.cache_folder = folder_ / "small";
  small.store.cache_bytes_max = shard_bytes_ * 2 + 100;
  const auto dataset = OpenDataset(small);
  int64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_ / "small")) {
    if (file.path().extension() == ".tar") bytes += static_cast<int64_t>(file.file_size());
  }
  EXPECT_GT(bytes, 0);
  EXPECT_LE(bytes, small.store.cache_bytes_max);
  ExpectEqual(*dataset, *Local());
}

TEST_P(ObjectData, TheShardUsedLastStays) {
  DatasetOptions options = Options(Word("t-000.tar"));
  options.store.cache_bytes_max = shard_bytes_ * 2 + 100;
  options.store.cache_fresh = std::chrono::seconds(0);
  OpenDataset(options);
  const std::string first = Cached(".tar").at(0);
  options.sources = {Word("t-001.tar")};
  OpenDataset(options);
  // The first one was used after the second.
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const std::string& path : Cached(".tar")) {
    std::filesystem::last_write_time(path, now - std::chrono::hours(path == first ? 1 : 2));
  }
  options.sources = {Word("t-002.tar")};
  OpenDataset(options);
  const auto left = Cached(".tar");
  EXPECT_EQ(left.size(), 2u);
  EXPECT_EQ(std::count(left.begin(), left.end(), first), 1);
  // What was used lately is not thrown out for another dataset.
  options.store.cache_fresh = std::chrono::hours(3);
  options.sources = {Word("t-003.tar")};
  EXPECT_EQ(OpenDataset(options)->Get(0).caption, "caption 30");
  EXPECT_EQ(Cached(".tar"), left);
}

TEST_P(ObjectData, DamageInTheCacheIsSeenAndMended) {
  OpenDataset(Options(Word("t-*.tar")));
  for (const std::string& path : Cached(".tar")) {
    std::string bytes = ReadFile(path);
    for (char& byte : bytes) byte = static_cast<char>(byte ^ 4);
    WriteFile(path, bytes);
  }
  ExpectEqual(*OpenDataset(Options(Word("t-*.tar"))), *Local());
  ASSERT_FALSE(Warnings().empty());
  EXPECT_NE(Warnings()[0].find("was damaged and is dropped"), std::string::npos) << Warnings()[0];
  // A size that is not right, and indexes that are none.
  for (const std::string& path : Cached(".tar")) std::filesystem::resize_file(path, 700);
  for (const std::string& path : Cached(".ocxidx")) WriteFile(path, "junk");
  ExpectEqual(*OpenDataset(Options(Word("t-*.tar"))), *Local());
}

// Processes that are killed in the middle of filling leave nothing in the way.
TEST_P(ObjectData, KillsWhileFillingHurtNobody) {
  for (int round = 0; round < 6; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      const ShardCache cache({folder_ / "cache", int64_t{1} << 30});
      const auto info = store_->Head(prefix_ + "/t-000.tar");
      const std::string name = store::SplitUri(store_->uri()).place + "/" + info->key;
      std::unique_ptr<ShardCache::Filling> filling;
      const std::string id = ShardId(name, info->version, info->bytes);
      const auto begun = cache.Begin(id, info->bytes, &filling);
      const std::string part(round * 1000, 'x');
      const bool put = filling && filling->Append(std::as_bytes(std::span(part)));
      _exit(begun == ShardCache::Begun::kYes && put ? 0 : 1);  // as a kill: nothing is cleaned up
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "the file of a dead process was in the way";
    EXPECT_EQ(Cached(".partial").size(), 1u);
  }
  ExpectEqual(*OpenDataset(Options(Word("t-*.tar"))), *Local());
  EXPECT_TRUE(Cached(".partial").empty());
  EXPECT_EQ(Cached(".tar").size(), 4u);
}

TEST_P(ObjectData, AReplacedShardIsNoticed) {
  DatasetOptions options = Options(Word("t-000.tar"));
  options.store.cache_bytes_max = 0;
  const auto during = OpenDataset(options);
  const auto before = OpenDataset(Options(Word("t-000.tar")));
  WriteTar(folder_ / "other.tar", MembersOf(7));
  store_->PutFile(prefix_ + "/t-000.tar", folder_ / "other.tar");
  const std::string message = MessageOf("DATA_UNREADABLE", [&] { during->Get(0); });
  EXPECT_EQ(message, "s3://ocellus-test/" + prefix_ + "/t-000.tar: was changed during the run");
  EXPECT_EQ(before->Get(0).caption, "caption 0") << "from the cache, one version";
  EXPECT_EQ(OpenDataset(Options(Word("t-000.tar")))->Get(0).caption, "caption 70");
}

TEST_P(ObjectData, AnIndexBesideTheShardServesEveryMachine) {
  const std::string key = prefix_ + "/t-000.tar";
  EXPECT_TRUE(PublishIndex(store_.get(), key));
  EXPECT_FALSE(PublishIndex(store_.get(), key));
  // With it, opening does not read the shard: nothing comes into the cache.
  DatasetOptions options = Options(Word("t-000.tar"));
  options.store.cache_bytes_max = 1;
  ExpectEqual(*OpenDataset(options),
              *OpenDataset({.sources = {folder_ / "local/t-000.tar"}, .masks = true}));
  EXPECT_EQ(Cached(".ocxidx").size(), 1u);
  // Of another object under the same key it is not believed.
  WriteTar(folder_ / "other.tar", MembersOf(7));
  store_->PutFile(key, folder_ / "other.tar");
  EXPECT_EQ(OpenDataset(options)->Get(0).caption, "caption 70");
  EXPECT_TRUE(PublishIndex(store_.get(), key));
}

TEST_P(ObjectData, TroubleIsOneClearMessage) {
  const auto refusal = [&](const std::string& outcome, const std::string& word) {
    return MessageOf(outcome, [&] { OpenDataset(Options(word)); });
  };
  EXPECT_EQ(refusal("NO_DATA", Word("t-{003..004}.tar")),
            "no such data: s3://ocellus-test/" + prefix_ + "/t-004.tar");
  EXPECT_EQ(refusal("NO_DATA", Word("u-*.tar")), "nothing matches: " + Word("u-*.tar"));
  EXPECT_EQ(refusal("NO_DATA", Word("nowhere/")), "nothing matches: " + Word("nowhere/"));
  for (const char* name : {"/a.tar", "/*.tar"}) {
    const std::string text = refusal(
        "NO_DATA", std::string("s3://no-such-bucket") + name + "?endpoint=" + server().url());
    EXPECT_NE(text.find("NoSuchBucket"), std::string::npos) << text;
  }
  const std::string none(3000, 'z');
  store_->Put(prefix_ + "/bad.tar", std::as_bytes(std::span(none)));
  EXPECT_NE(refusal("BAD_SHARD", Word("bad.tar")).find("bad.tar: damaged or no tar"),
            std::string::npos);
  const std::string whole = ReadFile(folder_ / "local/t-000.tar").substr(0, 2000);
  store_->Put(prefix_ + "/cut.tar", std::as_bytes(std::span(whole)));
  EXPECT_NE(refusal("BAD_SHARD", Word("cut.tar")).find("truncated tar: the file ends at byte 2000"),
            std::string::npos);
  setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
  EXPECT_FALSE(refusal("STORE_DENIED", Word("t-*.tar")).empty());
  EXPECT_FALSE(refusal("STORE_DENIED", Word("t-000.tar")).empty());
  WriteFile(folder_ / "file", "-");
  DatasetOptions options = Options(Word("t-*.tar"));
  options.store.cache_folder = folder_ / "file/x";
  setenv("AWS_SECRET_ACCESS_KEY", store::kTestSecretKey, 1);
  EXPECT_NE(MessageOf("BAD_CACHE", [&] { OpenDataset(options); }).find("data.cache.folder"),
            std::string::npos);
}

// A network that loses, cuts and changes what passes: right bytes, or one fault, in bounded time.
TEST_P(ObjectData, ABadNetworkGivesNoWrongByte) {
  const auto local = Local();
  int whole = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    store::FaultProxy proxy(server().port(), seed);
    DatasetOptions options = Options("s3://ocellus-test/" + prefix_ +
                                     "/t-*.tar?timeout_s=20&attempts=12&endpoint=http://"
                                     "127.0.0.1:" +
                                     std::to_string(proxy.port()));
    options.store.cache_folder = folder_ / "cache" + std::to_string(seed);
    options.store.cache_bytes_max = seed % 2 == 0 ? 0 : int64_t{1} << 30;
    const auto begin = steady_clock::now();
    try {
      const auto dataset = OpenDataset(options);
      std::vector<int64_t> all;
      for (int64_t i = 0; i < dataset->size(); ++i) all.push_back(i);
      dataset->Expect(all);
      ExpectEqual(*dataset, *local);
      ++whole;
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.fault_class(), wire::FaultClass::kStorage) << fault.what();
    }
    EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(60)) << "seed " << seed;
    EXPECT_GT(proxy.faults(), 0);
  }
  EXPECT_GT(whole, 4);
}

INSTANTIATE_TEST_SUITE_P(Servers, ObjectData, testing::Values(Kind::kVersitygw, Kind::kMinio),
                         [](const auto& info) {
                           return info.param == Kind::kVersitygw ? "Versitygw" : "Minio";
                         });

}  // namespace
}  // namespace ocellus::data
