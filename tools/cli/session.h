// What all commands share: the options that stand anywhere, the connection, the way to print.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/client/call.h"
#include "ocellus/v1/auth.grpc.pb.h"
#include "ocellus/v1/service.grpc.pb.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/table.h"

namespace ocellus::cli {

// Rows that a list asks for at a time.
inline constexpr int kPageSize = 200;
// A stream is opened anew after this, so that each call has a deadline.
inline constexpr absl::Duration kStreamDeadline = absl::Minutes(10);
// So long may a coordinator be away before a stream is given up, and between two attempts.
inline constexpr absl::Duration kAwayMax = absl::Minutes(10);
inline constexpr absl::Duration kReconnectWait = absl::Milliseconds(250);

enum class Output { kTable, kWide, kJson, kYaml, kName };

struct Options {
  std::string server;      // HOST:PORT
  std::string authority;   // PEM file; empty: as `ocellus login` noted
  std::string token_file;  // empty: $OCELLUS_TOKEN, or as `ocellus login` noted
  bool insecure = false;   // plaintext to another machine
  std::string output = "table";
  bool no_color = false;
  double timeout_s = 0;  // 0: the default of each command
};

class Session {
 public:
  Options options;
  ExitCode exit_code = kSucceeded;

  Output output() const;
  const std::string& server() const { return options.server; }
  // options.timeout_s, or `otherwise` when none is given.
  absl::Duration timeout(absl::Duration otherwise) const;

  // Stubs on one channel, made at the first use.
  v1::JobService::Stub& jobs();
  v1::LogService::Stub& logs();
  v1::CheckpointService::Stub& checkpoints();
  v1::NodeService::Stub& nodes();
  v1::AdminService::Stub& admin();
  v1::AuthService::Stub& auth();
  // How the server is spoken to; known after the options.
  absl::StatusOr<coordinator::Approach> Approach() const;

  // A read: repeated for a moment when the coordinator is away. A failure is printed and decides
  // the exit code; the caller then only returns.
  template <typename Stub, typename Request, typename Response>
  bool Read(Stub& stub,
            grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
            const Request& request, Response* response) {
    return Take(coordinator::Call(stub, method, request, ReadPolicy()), response);
  }
  // A change: sent once.
  template <typename Stub, typename Request, typename Response>
  bool Change(Stub& stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response* response) {
    return Take(coordinator::Call(stub, method, request, {timeout(kCallTimeout), {}, {}}),
                response);
  }
  template <typename Response>
  bool Take(absl::StatusOr<Response> result, Response* response) {
    if (!result.ok()) {
      Fail(result.status());
      return false;
    }
    *response = *std::move(result);
    return true;
  }

  // A committed checkpoint of a job: that of `step`, or with 0 the newest. A failure as of Read.
  bool ReadCheckpoint(const std::string& job, int64_t step, v1::GetCheckpointResponse* response);

  // Prints the error with the next command on stderr, and takes its exit code.
  void Fail(const absl::Status& status);
  void Fail(ExitCode code, const std::string& text);
  // Mistakes in a document: `text` has its own beginnings of lines.
  void FailDocument(const std::string& text);

  // Prints `message` when json or yaml is asked for; else false.
  bool PrintMessage(const google::protobuf::Message& message) const;
  bool PrintValue(const nlohmann::ordered_json& value) const;

 private:
  static constexpr absl::Duration kCallTimeout = absl::Seconds(20);
  coordinator::CallPolicy ReadPolicy() const;
  std::shared_ptr<grpc::Channel> channel();

  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  std::unique_ptr<v1::LogService::Stub> logs_;
  std::unique_ptr<v1::CheckpointService::Stub> checkpoints_;
  std::unique_ptr<v1::NodeService::Stub> nodes_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<v1::AuthService::Stub> auth_;
};

// To stdout; a write that fails ends the program.
void Print(const std::string& text);

}  // namespace ocellus::cli
