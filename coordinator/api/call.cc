#include "coordinator/api/call.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "coordinator/auth/gate.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;

}  // namespace

absl::Status CheckProtocol(const grpc::ServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(kProtocolKey);
  if (found == metadata.end()) {
    return absl::OkStatus();
  }
  const std::string said(found->second.data(), found->second.size());
  int protocol = 0;
  if (absl::SimpleAtoi(said, &protocol) && protocol == kProtocol) {
    return absl::OkStatus();
  }
  const std::string advice =
      protocol < kProtocol
          ? absl::StrCat("the client is older; upgrade it to Ocellus ", kVersion)
          : "the client is newer; upgrade the coordinator, or use the client that came with it";
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VERSION_UNSUPPORTED,
               absl::StrCat("the client speaks protocol ", said, ", this coordinator (", kVersion,
                            ") protocol ", kProtocol, ": ", advice),
               {{"client", said}, {"server", absl::StrCat(kProtocol)}, {"version", kVersion}});
}

absl::Status CheckSize(const google::protobuf::Message& request) {
  const size_t bytes = request.ByteSizeLong();
  if (bytes <= kRequestBytesMax) {
    return absl::OkStatus();
  }
  return Error(
      absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_TOO_LARGE,
      absl::StrFormat("the request has %.1f MiB, the limit is %d MiB; a job names its data, "
                      "it does not contain it",
                      static_cast<double>(bytes) / (1 << 20), kRequestBytesMax >> 20));
}

grpc::Status Answer(const ApiParts& parts, grpc::ServerContext& context,
                    const google::protobuf::Message& request,
                    absl::FunctionRef<absl::Status(const Caller&)> body) {
  const auto answer = [&]() -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckProtocol(context));
    OCELLUS_RETURN_IF_ERROR(CheckSize(request));
    OCELLUS_ASSIGN_OR_RETURN(const Admission admission, parts.gate->Admit(&context, request));
    return parts.gate->Close(admission, request, body(admission.caller()));
  };
  return ToGrpc(answer());
}

int PageSize(int wished) { return wished <= 0 ? kPageSizeDefault : std::min(wished, kPageSizeMax); }

absl::StatusOr<int64_t> ParsePageToken(const std::string& token) {
  int64_t number = 0;
  if (!token.empty() && (!absl::SimpleAtoi(token, &number) || number < 0)) {
    return BadRequest({{"page_token", "must be one that the page before gave"}});
  }
  return number;
}

}  // namespace ocellus::coordinator
