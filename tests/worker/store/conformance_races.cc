// The part of the suite where several threads, each with a store of its own, meet.
#include <atomic>
#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "tests/worker/store/conformance.h"

namespace ocellus::store {
namespace {

TEST_P(Conformance, OneOfSixteenRacingWritersWinsPutIfAbsent) {
  constexpr int kWriters = 16, kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    const std::string key = "race/" + std::to_string(round);
    std::barrier start(kWriters);
    std::atomic<int> wins{0}, winner{-1};
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        const auto store = Open();
        const std::string mine(1000 + i, static_cast<char>('a' + i));
        start.arrive_and_wait();
        if (!store->PutIfAbsent(key, Bytes(mine))) return;
        ++wins;
        winner = i;
      });
    }
    for (auto& writer : writers) writer.join();
    ASSERT_EQ(wins, 1);
    EXPECT_EQ(store_->Get(key), std::string(1000 + winner, static_cast<char>('a' + winner)));
    EXPECT_FALSE(store_->PutIfAbsent(key, Bytes("late")));
  }
}

TEST_P(Conformance, NoIncrementOfManyIsLost) {
  constexpr int kWriters = 8, kIncrements = 8;
  store_->Put("count", Bytes("0"));
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      const auto store = Open();
      for (int done = 0; done < kIncrements;) {
        const std::string version = store->Head("count")->version;
        const int value = std::stoi(store->Get("count"));
        // A value newer than the version is refused with it.
        done += store->PutIfMatch("count", Bytes(std::to_string(value + 1)), version);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(store_->Get("count"), std::to_string(kWriters * kIncrements));
}

TEST_P(Conformance, AReaderNeverSeesHalfAPut) {
  constexpr int kPuts = 60;
  const auto text = [](int i) {
    return std::string(1000 + 7919 * (i % 13), static_cast<char>('a' + i % 26));
  };
  store_->Put("torn", Bytes(text(0)));
  std::atomic<bool> stop{false};
  std::atomic<int> reads{0}, torn{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      const auto store = Open();
      while (!stop) {
        const std::string seen = store->Get("torn");
        const bool one_letter = seen.find_first_not_of(seen[0]) == std::string::npos;
        const bool a_length = (seen.size() - 1000) % 7919 == 0;
        torn += !(one_letter && a_length);
        ++reads;
      }
    });
  }
  for (int i = 1; i < kPuts; ++i) store_->Put("torn", Bytes(text(i)));
  while (reads < 10) std::this_thread::yield();
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
}

TEST_P(Conformance, WritersAndDeletersOfOneFolderDoNotDisturbEachOther) {
  std::atomic<bool> stop{false};
  std::thread deleter([&] {
    const auto store = Open();
    while (!stop) store->DeletePrefix("busy/folder/");
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_NO_THROW(store_->Put("busy/folder/" + std::to_string(i % 5), Bytes("x")));
  }
  stop = true;
  deleter.join();
}

}  // namespace
}  // namespace ocellus::store
