#include "coordinator/api/call_metrics.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "coordinator/base/clock.h"

namespace ocellus::coordinator {
namespace {

// Names of status codes as grpc-prometheus has them.
const char* CodeName(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  return code >= 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : "Unknown";
}

// Lives as long as one call.
class CallObserver final : public grpc::experimental::Interceptor {
 public:
  CallObserver(Metrics* metrics, const std::string& method)
      : metrics_(metrics), begun_(RealClock().Monotonic()) {
    const std::vector<std::string> parts = absl::StrSplit(method, '/');  // "/service/Method"
    service_ = parts.size() == 3 ? parts[1] : "unknown";
    method_ = parts.size() == 3 ? parts[2] : "unknown";
  }

  ~CallObserver() override {
    const Metrics::Labels labels = {{"grpc_service", service_}, {"grpc_method", method_}};
    metrics_->Histogram(metric::kGrpcHandling, labels)
        .Observe(absl::ToDoubleSeconds(RealClock().Monotonic() - begun_));
    Metrics::Labels with_code = labels;
    with_code["grpc_code"] = CodeName(code_);
    metrics_->Counter(metric::kGrpcHandled, with_code).Increment();
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      code_ = methods->GetSendStatus().error_code();
    }
    methods->Proceed();
  }

 private:
  Metrics* metrics_;
  const absl::Duration begun_;
  std::string service_;
  std::string method_;
  grpc::StatusCode code_ = grpc::StatusCode::CANCELLED;  // no status was sent
};

}  // namespace

grpc::experimental::Interceptor* CallMetrics::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* info) {
  return new CallObserver(metrics_, info->method());
}

}  // namespace ocellus::coordinator
