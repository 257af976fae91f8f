// The one gate through which every call comes: who calls, may they, not too often; and after it,
// the row in the audit log. Thread-safe.
//
//   absl::StatusOr<Admission> admission = gate->Admit(&context, request);
//   ... the call's work, seeing what admission->caller() may see ...
//   status = gate->Close(*admission, request, status);
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "coordinator/auth/caller.h"
#include "coordinator/auth/limits.h"
#include "coordinator/auth/rules.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/metrics.h"
#include "coordinator/state/store.h"
#include "grpcpp/grpcpp.h"

namespace ocellus::coordinator {

enum class Mode {
  kLocal,   // whoever reaches the port may do all: loopback, or --insecure-dev
  kSecure,  // credentials for every call
};

class Gate;

// A call that is let in. While a stream has one, its credential is looked at every second, and the
// stream is cut when it is no longer good.
class Admission {
 public:
  Admission(Gate* gate, Caller caller, const Rule* rule);
  Admission(Admission&& other) noexcept;
  Admission(const Admission&) = delete;
  ~Admission();

  const Caller& caller() const { return caller_; }
  const Rule& rule() const { return *rule_; }

 private:
  friend class Gate;
  Gate* gate_;
  Caller caller_;
  const Rule* rule_;
  std::string project_;     // where the role was wanted
  std::string request_id_;  // for the audit log
  int64_t stream_ = 0;      // of Gate::streams_; 0: none
};

class Gate {
 public:
  // All outlive the gate.
  Gate(Mode mode, Store* store, const Clock* clock, Metrics* metrics, const CallLimits& limits);
  ~Gate();

  // NOT_AUTHENTICATED, ROLE_MISSING, RATE_LIMITED; JOB_NOT_FOUND for a job that the caller may not
  // see. A refusal of an audited call has its row when this returns.
  absl::StatusOr<Admission> Admit(grpc::ServerContext* context,
                                  const google::protobuf::Message& request);
  // Writes the row of an audited call. The status to answer with: `status`, or UNAVAILABLE when
  // the row cannot be written.
  absl::Status Close(const Admission& admission, const google::protobuf::Message& request,
                     absl::Status status);

  // Of calls that are none of our services' (reflection): a good credential is enough.
  absl::Status CheckCredential(const std::string& token, const std::string& certificate,
                               const std::string& peer);

  Mode mode() const { return mode_; }

 private:
  friend class Admission;
  absl::StatusOr<Caller> Identify(const std::string& token, const std::string& certificate,
                                  const std::string& peer);
  absl::StatusOr<Caller> OfToken(const std::string& token) const;
  absl::StatusOr<Caller> OfCertificate(const std::string& pem) const;
  // Where the role was wanted goes to `project`.
  absl::Status Authorize(const Caller& caller, const Rule& rule,
                         const google::protobuf::Message& request, std::string* project) const;
  absl::Status AuthorizeJob(const Caller& caller, const Rule& rule, const std::string& job,
                            std::string* project) const;
  absl::Status Record(const Caller& caller, const Rule& rule, const std::string& project,
                      const std::string& request_id, const google::protobuf::Message& request,
                      const absl::Status& result);
  struct Stream {
    Caller caller;
    const Rule* rule = nullptr;
    grpc::ServerContext* context = nullptr;
  };
  int64_t OpenStream(const Admission& admission, grpc::ServerContext* context);
  void CloseStream(int64_t number);
  bool IsStillGood(const Stream& stream) const;
  void WatchStreams();

  const Mode mode_;
  Store* store_;
  const Clock* clock_;
  Metrics* metrics_;
  Limiter limiter_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ending_ = false;
  int64_t last_stream_ = 0;
  std::map<int64_t, Stream> streams_;  // those that are open
  std::thread watcher_;
};

}  // namespace ocellus::coordinator
