#include "tools/cli/session.h"

#include <cstdio>
#include <cstdlib>

#include "tools/cli/credentials.h"
#include "tools/cli/error_text.h"
#include "tools/cli/message_text.h"
#include "tools/cli/terminal.h"

namespace ocellus::cli {
namespace {

// A coordinator that restarts is back within this; one that is not there is told soon.
constexpr absl::Duration kReadRetry = absl::Seconds(2);

}  // namespace

Output Session::output() const {
  if (options.output == "json") return Output::kJson;
  if (options.output == "yaml") return Output::kYaml;
  if (options.output == "name") return Output::kName;
  return options.output == "wide" ? Output::kWide : Output::kTable;
}

absl::Duration Session::timeout(absl::Duration otherwise) const {
  return options.timeout_s > 0 ? absl::Seconds(options.timeout_s) : otherwise;
}

coordinator::CallPolicy Session::ReadPolicy() const {
  return {timeout(kCallTimeout), kReadRetry, {}};
}

std::shared_ptr<grpc::Channel> Session::channel() {
  if (channel_) return channel_;
  const auto approach = Approach();
  if (!approach.ok()) {
    // Nothing was sent, and nothing else can be done.
    Note("ocellus: " + std::string(approach.status().message()));
    std::exit(kUsage);
  }
  channel_ = coordinator::Connect(options.server, *approach);
  return channel_;
}

v1::JobService::Stub& Session::jobs() {
  if (!jobs_) jobs_ = v1::JobService::NewStub(channel());
  return *jobs_;
}

v1::LogService::Stub& Session::logs() {
  if (!logs_) logs_ = v1::LogService::NewStub(channel());
  return *logs_;
}

v1::CheckpointService::Stub& Session::checkpoints() {
  if (!checkpoints_) checkpoints_ = v1::CheckpointService::NewStub(channel());
  return *checkpoints_;
}

v1::NodeService::Stub& Session::nodes() {
  if (!nodes_) nodes_ = v1::NodeService::NewStub(channel());
  return *nodes_;
}

absl::StatusOr<coordinator::Approach> Session::Approach() const {
  return ApproachTo(options, CredentialsFile());
}

v1::AuthService::Stub& Session::auth() {
  if (!auth_) auth_ = v1::AuthService::NewStub(channel());
  return *auth_;
}

v1::AdminService::Stub& Session::admin() {
  if (!admin_) admin_ = v1::AdminService::NewStub(channel());
  return *admin_;
}

bool Session::ReadCheckpoint(const std::string& job, int64_t step,
                             v1::GetCheckpointResponse* response) {
  v1::GetCheckpointRequest request;
  request.set_job(job);
  request.set_step(step);
  return Read(checkpoints(), &v1::CheckpointService::Stub::GetCheckpoint, request, response);
}

void Session::Fail(const absl::Status& status) {
  Fail(CodeOf(status), ErrorText(status, options.server));
}

void Session::Fail(ExitCode code, const std::string& text) {
  Note("ocellus: " + text);
  exit_code = code;
}

void Session::FailDocument(const std::string& text) {
  Note(text);
  exit_code = kUsage;
}

bool Session::PrintMessage(const google::protobuf::Message& message) const {
  const bool wanted = output() == Output::kJson || output() == Output::kYaml;
  return wanted && PrintValue(JsonOf(message));
}

bool Session::PrintValue(const nlohmann::ordered_json& value) const {
  if (output() == Output::kJson) {
    Print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return true;
  }
  if (output() == Output::kYaml) {
    Print(YamlText(value));
    return true;
  }
  return false;
}

void Print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    std::perror("ocellus: cannot write to stdout");
    std::_Exit(kFailed);
  }
}

}  // namespace ocellus::cli
