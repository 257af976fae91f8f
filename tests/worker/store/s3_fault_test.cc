// A writer and a reader of checkpoints in front of a storage that fails by seed: nothing that was
// committed is lost, no wrong byte is read, and it ends in bounded time. OCELLUS_FAULT_SEEDS says
// how many seeds (100), OCELLUS_FAULT_FIRST the first one (0).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <thread>

#include "tests/worker/store/conformance.h"
#include "tests/worker/store/fault_proxy.h"
#include "tests/worker/store/s3_server.h"
#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

using std::chrono::steady_clock;

constexpr int kSteps = 4;
constexpr size_t kLargeBytes = (5 << 20) + 300'000;  // two parts
constexpr std::chrono::seconds kRunMax{120};

uint64_t Number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::unique_ptr<S3Store> OpenAt(int port, const std::string& prefix, const std::string& settings) {
  return OpenWith("s3://" + std::string(kTestBucket) + "/" + prefix + "?part_mib=5&" + settings +
                  "&endpoint=http://127.0.0.1:" + std::to_string(port));
}

std::string RandomText(size_t bytes, std::mt19937_64* random) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t word = (*random)();
    std::copy_n(reinterpret_cast<const char*>(&word), std::min<size_t>(8, bytes - i), &text[i]);
  }
  return text;
}

// What one run saw.
struct Outcome {
  std::atomic<int> committed{0}, given_up{0}, read{0};
};

std::string StepPrefix(int step) { return "step-" + std::to_string(step) + "/"; }

// Two data objects, then the manifest that names their sums. Returns the steps whose commit was
// acknowledged.
std::set<int> Write(ObjectStore* store, uint64_t seed, Outcome* outcome) {
  std::mt19937_64 random(seed);
  std::set<int> committed;
  for (int step = 0; step < kSteps; ++step) {
    const std::string small = RandomText(1 + random() % 50'000, &random);
    // Large ones take the time of a run; one seed in five has one.
    const bool large = seed % 5 == 0 && step == 1;
    const std::string data = RandomText(large ? kLargeBytes : random() % 200'000, &random);
    try {
      store->Put(StepPrefix(step) + "small", Bytes(small));
      const auto writer = store->Write(StepPrefix(step) + "data");
      writer->Append(Bytes(data));
      writer->Finish();
      const std::string manifest = Sha256Hex(small) + " " + Sha256Hex(data);
      if (!store->PutIfAbsent(StepPrefix(step) + "manifest", Bytes(manifest))) {
        ADD_FAILURE() << "seed " << seed << ": a manifest of nobody else was in the way";
      }
      committed.insert(step);
      ++outcome->committed;
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.fault_class(), wire::FaultClass::kStorage);
      ++outcome->given_up;
    }
  }
  return committed;
}

// Reads one step as a restore does; false when the storage gave up. A manifest means that all of it
// is there and right.
bool ReadStep(ObjectStore* store, int step, uint64_t seed) {
  try {
    const std::string manifest = store->Get(StepPrefix(step) + "manifest");
    const std::string small = store->Get(StepPrefix(step) + "small");
    const std::string data = store->Get(StepPrefix(step) + "data");
    EXPECT_TRUE(manifest == Sha256Hex(small) + " " + Sha256Hex(data))
        << "seed " << seed << ", step " << step << ": wrong bytes";
    return true;
  } catch (const wire::Fault& fault) {
    EXPECT_NE(fault.outcome(), "OBJECT_MISSING") << "seed " << seed << ": " << fault.what();
    return false;
  }
}

void RunSeed(S3Server* server, uint64_t seed, Outcome* outcome) {
  const std::string prefix = "faults/seed-" + std::to_string(seed);
  FaultProxy proxy(server->port(), seed);
  const auto begin = steady_clock::now();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    const auto store = OpenAt(proxy.port(), prefix, "timeout_s=20&attempts=12");
    while (!stop) {
      for (int step = 0; step < kSteps; ++step) {
        bool there = false;
        try {
          there = store->Head(StepPrefix(step) + "manifest").has_value();
        } catch (const wire::Fault&) {
        }
        if (there) outcome->read += ReadStep(store.get(), step, seed);
      }
    }
  });
  const auto store = OpenAt(proxy.port(), prefix, "timeout_s=20&attempts=12");
  const std::set<int> committed = Write(store.get(), seed, outcome);
  stop = true;
  reader.join();
  EXPECT_LT(steady_clock::now() - begin, kRunMax) << "seed " << seed;
  // Without faults, all that was acknowledged is there and whole.
  const auto direct = OpenAt(server->port(), prefix, "timeout_s=60");
  for (const int step : committed) EXPECT_TRUE(ReadStep(direct.get(), step, seed)) << seed;
  direct->DropUnfinished("", std::chrono::seconds(0));
  direct->DeletePrefix("step-1/");
}

TEST(S3Faults, NothingCommittedIsLostAndNoWrongByteIsRead) {
  S3Server& server = S3Server::Get(S3Server::Kind::kVersitygw);
  const uint64_t first = Number("OCELLUS_FAULT_FIRST", 0);
  const uint64_t last = first + Number("OCELLUS_FAULT_SEEDS", 100);
  const auto begin = steady_clock::now();
  std::atomic<uint64_t> next{first};
  Outcome outcome;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (uint64_t seed = next++; seed < last; seed = next++) RunSeed(&server, seed, &outcome);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  std::cout << last - first << " seeds in " << took.count() << " s: " << outcome.committed
            << " commits, " << outcome.given_up << " given up, " << outcome.read << " read\n";
  // The retries carry nearly everything through.
  EXPECT_LT(outcome.given_up, static_cast<int>(last - first) / 5 + 1);
  EXPECT_GT(outcome.read, 0);
}

TEST(S3Faults, AnOutageEndsInOneFaultInBoundedTimeAndPasses) {
  S3Server& server = S3Server::Get(S3Server::Kind::kVersitygw);
  FaultProxy proxy(server.port(), 1);
  const auto store = OpenAt(proxy.port(), "outage", "timeout_s=2&attempts=1000");
  proxy.Break();
  const auto begin = steady_clock::now();
  try {
    store->Put("k", Bytes("v"));
    ADD_FAILURE() << "no fault";
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "STORE_UNAVAILABLE") << fault.what();
  }
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(10));
  proxy.Heal();
  store->Put("k", Bytes("v"));
  EXPECT_EQ(store->Get("k"), "v");
}

// Sixteen writers whose answers get lost: whoever is told that it won has won, and nobody else is.
TEST(S3Faults, ARaceThroughFaultsHasAtMostOneWinner) {
  S3Server& server = S3Server::Get(S3Server::Kind::kVersitygw);
  FaultMix mix{.reset_before = 10, .reset_after = 25, .changed_upload = 0};
  FaultProxy proxy(server.port(), 5, mix);
  const auto direct = OpenAt(server.port(), "race", "timeout_s=60");
  for (int round = 0; round < 4; ++round) {
    const std::string key = "round-" + std::to_string(round);
    std::atomic<int> wins{0}, winner{-1}, given_up{0};
    std::vector<std::thread> writers;
    for (int i = 0; i < 16; ++i) {
      writers.emplace_back([&, i] {
        const auto store = OpenAt(proxy.port(), "race", "timeout_s=30&attempts=30");
        try {
          if (!store->PutIfAbsent(key, Bytes("writer " + std::to_string(i)))) return;
          ++wins;
          winner = i;
        } catch (const wire::Fault&) {
          ++given_up;
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    ASSERT_EQ(given_up, 0);
    ASSERT_EQ(wins, 1) << round;
    EXPECT_EQ(direct->Get(key), "writer " + std::to_string(winner));
  }
}

}  // namespace
}  // namespace ocellus::store
