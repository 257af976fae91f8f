#include "worker/store/store_check.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <set>

#include "worker/store/encoding.h"
#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

using State = CheckStep::State;
constexpr size_t kPartBytes = 1 << 20;

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// What an operation gave, when it is not what it must give.
struct Wrong {
  std::string what;
};

void Require(bool good, const std::string& what) {
  if (!good) throw Wrong{what};
}

class Checker {
 public:
  Checker(ObjectStore* store, size_t large_bytes)
      : store_(store), large_bytes_(large_bytes), random_(std::random_device()()) {
    const uint64_t name = random_();
    prefix_ = "ocellus-check-" +
              Hex(std::span(reinterpret_cast<const uint8_t*>(&name), sizeof(name))) + "/";
  }

  std::vector<CheckStep> Run() {
    const std::string small = prefix_ + "small", once = prefix_ + "once", large = prefix_ + "large";
    Step("list", "s3:ListBucket", "finding checkpoints and shards", {},
         [&] { Require(store_->List(prefix_).empty(), "a fresh prefix is not empty"); });
    Step("write", "s3:PutObject", "writing results", {},
         [&] { store_->Put(small, Bytes("ocellus")); });
    Step("read", "s3:GetObject", "restoring", {"write"}, [&] { Read(small); });
    Step("write once", "s3:PutObject, and a server that knows If-None-Match",
         "committing a checkpoint exactly once", {"write"}, [&] {
           Require(store_->PutIfAbsent(once, Bytes("1")), "a new object was refused");
           Require(!store_->PutIfAbsent(once, Bytes("2")),
                   "it overwrote an object though If-None-Match forbids it: the server ignores "
                   "conditions, and two gangs could commit one checkpoint");
         });
    Step("write if unchanged", "s3:PutObject, and a server that knows If-Match",
         "changing an index that others change too", {"write once"}, [&] { Exchange(once); });
    Step("write in parts", "s3:PutObject, s3:AbortMultipartUpload", "writing large checkpoints",
         {"write"}, [&] { Large(large); });
    Step("list uploads", "s3:ListBucketMultipartUploads", "clearing up after dead writers",
         {"list"}, [&] { store_->DropUnfinished(prefix_, std::chrono::hours(1)); });
    Step("delete", "s3:DeleteObject", "removing old checkpoints", {"write", "list"},
         [&] { Clear(); });
    return std::move(steps_);
  }

 private:
  void Step(const std::string& name, const std::string& needs, const std::string& serves,
            const std::vector<std::string>& after, const std::function<void()>& body) {
    CheckStep step{name, needs, serves};
    const bool can = std::none_of(after.begin(), after.end(),
                                  [&](const auto& earlier) { return failed_.contains(earlier); });
    const auto begin = std::chrono::steady_clock::now();
    try {
      if (can) body();
      step.state = can ? State::kPassed : State::kSkipped;
    } catch (const wire::Fault& fault) {
      step = {name, needs, serves, State::kFailed, fault.what(), fault.hint()};
    } catch (const Wrong& wrong) {
      step = {name,           needs,      serves,
              State::kFailed, wrong.what, "use a storage server that implements this as S3 does"};
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    step.seconds = took.count();
    if (step.state != State::kPassed) failed_.insert(name);
    steps_.push_back(std::move(step));
  }

  void Read(const std::string& key) {
    Require(store_->Get(key) == "ocellus", "other bytes than were written");
    std::string part(3, '\0');
    const size_t got = store_->Read(key, 2, std::as_writable_bytes(std::span(part)));
    Require(got == 3 && part == "ell", "a range gave other bytes than were written");
    Require(!store_->Head(prefix_ + "absent"), "an absent object is said to be there");
  }

  void Exchange(const std::string& key) {
    const auto info = store_->Head(key);
    Require(info.has_value() && !info->version.empty(), "the object has no version (ETag)");
    Require(store_->PutIfMatch(key, Bytes("3"), info->version), "the right version was refused");
    Require(!store_->PutIfMatch(key, Bytes("4"), info->version),
            "it overwrote another version though If-Match forbids it");
  }

  void Large(const std::string& key) {
    std::string part(kPartBytes, '\0');
    Sha256 written, read;
    {
      const auto writer = store_->Write(key);
      for (size_t done = 0; done < large_bytes_; done += part.size()) {
        for (size_t i = 0; i + 8 <= part.size(); i += 8) {
          const uint64_t word = random_();
          std::copy_n(reinterpret_cast<const char*>(&word), 8, part.begin() + static_cast<long>(i));
        }
        written.Update(Bytes(part));
        writer->Append(Bytes(part));
      }
      writer->Finish();
    }
    read.Update(Bytes(store_->Get(key)));
    Require(read.FinishHex() == written.FinishHex(), "other bytes than were written");
    store_->Write(key + "-dropped")->Append(Bytes(part));
    Require(!store_->Head(key + "-dropped"), "a write that was given up left an object");
  }

  void Clear() {
    store_->DeletePrefix(prefix_);
    Require(store_->List(prefix_).empty(), "deleted objects are still listed");
  }

  ObjectStore* store_;
  const size_t large_bytes_;
  std::mt19937_64 random_;
  std::string prefix_;
  std::set<std::string> failed_;
  std::vector<CheckStep> steps_;
};

}  // namespace

std::vector<CheckStep> CheckStore(ObjectStore* store, size_t large_bytes) {
  return Checker(store, large_bytes).Run();
}

bool Passed(const std::vector<CheckStep>& steps) {
  return std::all_of(steps.begin(), steps.end(),
                     [](const CheckStep& step) { return step.state == State::kPassed; });
}

}  // namespace ocellus::store
