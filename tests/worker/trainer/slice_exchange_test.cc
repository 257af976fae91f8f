#include "worker/trainer/slice_exchange.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/temp_folder.h"
#include "worker/checkpoint/slices.h"
#include "worker/checkpoint/writer.h"
#include "worker/trainer/slice_saver.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using std::chrono::seconds;

// One board for all ranks of a test.
struct Board {
  std::mutex mutex;
  std::map<std::string, std::string> notes;
};

class BoardNotes final : public dist::Notes {
 public:
  explicit BoardNotes(Board* board) : board_(board) {}
  void Put(const std::string& key, const std::string& text) override {
    const std::lock_guard lock(board_->mutex);
    board_->notes[key] = text;
  }
  std::optional<std::string> Find(const std::string& key) override {
    const std::lock_guard lock(board_->mutex);
    const auto found = board_->notes.find(key);
    if (found == board_->notes.end()) return std::nullopt;
    return found->second;
  }
  void Remove(const std::string& key) override {
    const std::lock_guard lock(board_->mutex);
    board_->notes.erase(key);
  }

 private:
  Board* board_;
};

std::unique_ptr<dist::Notes> On(Board* board) { return std::make_unique<BoardNotes>(board); }

checkpoint::FileSources State() {
  checkpoint::FileSources sources;
  for (const char* name : {"a", "b"}) {
    sources[checkpoint::kModelName].tensors.push_back(
        {name, "U8", {4}, [](std::span<std::byte> to) {
           std::fill(to.begin(), to.end(), std::byte{7});
         }});
  }
  return sources;
}

class Slices : public testing::Test {
 protected:
  checkpoint::Manifest At(int64_t step) { return {.step = step}; }
  // What rank 0 hears of an order.
  std::string Outcome(int64_t step, int attempt, seconds limit = seconds(20)) {
    try {
      files_ = leader_.Collect(step, attempt, limit);
      return "";
    } catch (const wire::Fault& fault) {
      return fault.outcome();
    }
  }

  Board board_;
  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> store_ = store::OpenStore("file://" + folder_.path());
  SliceExchange leader_{On(&board_), 5, 0, 2}, follower_{On(&board_), 5, 1, 2};
  SliceSaver saver_{store_.get(), &follower_, checkpoint::AllocatePages};
  std::vector<checkpoint::FileEntry> files_;
};

TEST_F(Slices, AreWrittenWhereRankZeroSays) {
  saver_.Save(State(), At(3), {});
  leader_.Order(3, 0, "p/");
  EXPECT_EQ(Outcome(3, 0), "");
  ASSERT_EQ(files_.size(), 1u);
  EXPECT_EQ(files_[0].name, "model-00002-of-00002.safetensors");
  EXPECT_EQ(store_->Head("p/" + files_[0].name)->bytes, files_[0].bytes);
  leader_.End(3, 1);
  saver_.SaveForGood(State(), At(3), {}, seconds(20));
}

TEST_F(Slices, AreWrittenAgainElsewhereAfterAnOutage) {
  saver_.Save(State(), At(3), {});
  leader_.Order(3, 0, "p/");
  EXPECT_EQ(Outcome(3, 0), "");
  leader_.Order(3, 1, "q/");
  EXPECT_EQ(Outcome(3, 1), "");
  EXPECT_TRUE(store_->Head("q/" + files_[0].name));
  leader_.End(3, 2);
}

TEST_F(Slices, AreRefusedOnceAnotherStepIsTaken) {
  saver_.Save(State(), At(3), {});
  EXPECT_TRUE(saver_.MakeRoom());
  saver_.Save(State(), At(4), {});
  leader_.Order(3, 0, "p/");
  EXPECT_EQ(Outcome(3, 0), kGivenUp);
  leader_.Order(4, 0, "p/");
  EXPECT_EQ(Outcome(4, 0), "");
  leader_.End(4, 1);
}

TEST_F(Slices, AFailureIsToldWithItsName) {
  saver_.Save(State(), At(3), {});
  leader_.Order(3, 0, "../p/");  // no key
  EXPECT_EQ(Outcome(3, 0), "BAD_KEY");
  leader_.End(3, 1);
}

TEST_F(Slices, ARankThatSaysNothingIsLate) {
  EXPECT_EQ(Outcome(3, 0, seconds(0)), "UPLOAD_TIMEOUT");
}

TEST_F(Slices, ALastOneThatNobodyCommitsEndsInTime) {
  EXPECT_THROW(saver_.SaveForGood(State(), At(3), {}, seconds(1)), wire::Fault);
}

TEST_F(Slices, LeaveNoNotesBehindButTheLastEnd) {
  for (int64_t step = 1; step <= 3; ++step) {
    saver_.Save(State(), At(step), {});
    leader_.Order(step, 0, "p/");
    EXPECT_EQ(Outcome(step, 0), "");
    leader_.End(step, 1);
    saver_.SaveForGood(State(), At(step), {}, seconds(20));
  }
  EXPECT_EQ(board_.notes.size(), 1u);
}

}  // namespace
}  // namespace ocellus::trainer
