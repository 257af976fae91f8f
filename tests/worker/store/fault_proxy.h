// A proxy in front of a real S3 server that hurts what passes: late, lost, cut, changed, refused,
// slow. What it does to which request is drawn from a seed.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>

#include "tests/worker/store/http_listener.h"

namespace ocellus::store {

// How often each fault is done, in percent of all requests. The rest passes.
struct FaultMix {
  int late = 10;           // an answer 1 to 20 ms later
  int reset_before = 4;    // the connection ends before the server has heard of the request
  int reset_after = 4;     // the server has done it, but the answer is lost
  int internal_error = 4;  // 500 without asking the server
  int slow_down = 4;       // 503 SlowDown
  int cut = 4;             // an answer that ends in its middle
  int half_upload = 3;     // the server gets half of the body
  int changed_upload = 3;  // one bit of the body, if there is one
  int changed_answer = 3;  // one bit of an object's bytes
  int slow = 3;            // an answer in drops
};

class FaultProxy {
 public:
  FaultProxy(int server_port, uint64_t seed, FaultMix mix = {});

  int port() const { return listener_.port(); }
  // From now on everything passes.
  void Heal() { healed_ = true; }
  // From now on nothing does: connections are reset.
  void Break() { broken_ = true; }
  int faults() const { return faults_; }

 private:
  enum class Fault {
    kNone,
    kLate,
    kResetBefore,
    kResetAfter,
    kInternalError,
    kSlowDown,
    kCut,
    kHalfUpload,
    kChangedUpload,
    kChangedAnswer,
    kSlow
  };
  struct Fate {
    Fault fault = Fault::kNone;
    uint64_t chance = 0;
  };
  Fate Draw();
  Reply Handle(SeenRequest request);
  // The server's whole answer; "" when it gave none. Sends only `bytes` of the request.
  std::string Forward(const SeenRequest& request, size_t bytes) const;

  const int server_port_;
  const FaultMix mix_;
  std::mutex mutex_;
  std::mt19937_64 random_;  // guarded by mutex_
  std::atomic<bool> healed_{false}, broken_{false};
  std::atomic<int> faults_{0};
  HttpListener listener_;  // the last: it calls the rest
};

}  // namespace ocellus::store
