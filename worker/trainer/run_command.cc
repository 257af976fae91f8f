#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "models/schema/schema.h"
#include "worker/checkpoint/retention.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/exit_record.h"
#include "worker/trainer/job_file.h"
#include "worker/trainer/local_ranks.h"
#include "worker/trainer/pinning.h"
#include "worker/trainer/signals.h"
#include "worker/trainer/train.h"
#include "worker/trainer/user_error.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

namespace fs = std::filesystem;

wire::Fault UserFault(const std::string& message, const std::string& hint) {
  return wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", message, hint);
}

// An environment variable that holds a whole number, as torchrun sets it.
int NumberFromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  if (!text) return otherwise;
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || number < 0 || number > 1'000'000) {
    throw UserFault(std::string(name) + "='" + text + "' is no whole number",
                    "unset it, or start the ranks with torchrun");
  }
  return static_cast<int>(number);
}

dist::Membership MembershipFromEnvironment() {
  dist::Membership membership;
  membership.rank = NumberFromEnvironment("RANK", 0);
  membership.world = NumberFromEnvironment("WORLD_SIZE", 1);
  membership.master_port = NumberFromEnvironment("MASTER_PORT", 29500);
  if (const char* address = std::getenv("MASTER_ADDR")) membership.master_addr = address;
  const char* served = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  membership.served = served && std::string(served) == "True";
  if (membership.rank >= membership.world) {
    throw UserFault("RANK=" + std::to_string(membership.rank) +
                        " is not below WORLD_SIZE=" + std::to_string(membership.world),
                    "unset both, or start the ranks with torchrun");
  }
  return membership;
}

// A run by hand has no agent, hence no copy in memory; faults come as they do to one machine.
void ReadCheckpointExtras(const nlohmann::json& keys, wire::CheckpointSettings* settings) {
  constexpr double kFaultIntervalS = 250.0 * 24 * 3600;
  settings->auto_interval = keys.at("interval") == "auto";
  settings->fault_interval_s = kFaultIntervalS;
  settings->keep_best = keys.at("keep_best");
  settings->best_metric = keys.at("best_metric");
}

// The same document that an agent would send, for a run whose store is a folder.
wire::Document MakeDocument(const RunOptions& options, const schema::Document& job,
                            const dist::Membership& membership) {
  wire::Document document;
  document.job = "run";
  document.name = job.scheduling.at("name");
  document.project = job.scheduling.at("project");
  document.generation = 1;
  document.rank = membership.rank;
  document.world = membership.world;
  document.local_rank = NumberFromEnvironment("LOCAL_RANK", membership.rank);
  document.master_addr = membership.master_addr;
  document.master_port = membership.master_port;
  document.device = job.scheduling.at("device");
  if (document.device == "auto") document.device = fs::exists("/dev/nvidiactl") ? "cuda" : "cpu";
  document.gpu = document.device == "cuda" ? document.local_rank : -1;
  document.threads = NumberFromEnvironment("OMP_NUM_THREADS", 1);
  document.spec = job.training;
  document.store = "file://" + fs::absolute(options.out).lexically_normal().string();
  document.checkpoint.every_steps = job.scheduling.at("checkpoint").at("every_steps");
  document.checkpoint.keep = job.scheduling.at("checkpoint").at("keep");
  document.checkpoint.keep_every_steps = job.scheduling.at("checkpoint").at("keep_every_steps");
  ReadCheckpointExtras(job.scheduling.at("checkpoint"), &document.checkpoint);
  document.checkpoint.commit = wire::Commit::kSelf;
  return document;
}

// Where to go on from: what lies in the folder, newest first.
void FindCheckpoints(const RunOptions& options, wire::Document* document) {
  const auto store = store::OpenStore(document->store);
  const auto found = checkpoint::ListCheckpoints(*store, document->prefix);
  if (!options.resume && !found.empty()) {
    throw UserFault(options.out + " holds checkpoints of an earlier run, the newest of step " +
                        std::to_string(found.front().step),
                    "add --resume to go on with it, or give another --out");
  }
  for (const auto& candidate : found) {
    document->restore.push_back({candidate.step, candidate.prefix});
    const std::string folder = fs::path(candidate.prefix).parent_path().filename();
    const int64_t generation = std::atoll(folder.c_str() + 1);  // "g0003-1a2b3c4d"
    document->generation = std::max(document->generation, generation + 1);
  }
}

// Of this machine, as far as that is known.
int LocalRanks(const RunOptions& options) {
  return options.ranks > 0 ? options.ranks : NumberFromEnvironment("LOCAL_WORLD_SIZE", 1);
}

std::optional<ProfileWish> ProfileOf(const RunOptions& options, int rank) {
  if (options.profile.empty()) return std::nullopt;
  fs::create_directories(options.out);
  fs::path file = fs::path(options.out) / options.profile;  // an absolute one stays as it is
  if (rank > 0)
    file.replace_filename("rank" + std::to_string(rank) + "-" + file.filename().string());
  return ProfileWish{file.string(), options.profile_steps};
}

int RunRank(const RunOptions& options, const schema::Document& job,
            const dist::Membership& membership) {
  static wire::Document document;
  static Control control;
  document = MakeDocument(options, job, membership);
  FindCheckpoints(options, &document);
  PinToShare(document.local_rank, LocalRanks(options), document.threads);
  static TerminalReporter reporter(document.rank);
  InstallTerminateHandler(&reporter);
  StopOnSignals(&control);
  const wire::ExitRecord record = Train(document, {membership.listen_fd, membership.served},
                                        control, reporter, ProfileOf(options, document.rank));
  reporter.Exit(record);
  if (document.rank == 0 && record.outcome == "SUCCEEDED") {
    std::printf("results: %s/artifacts\n", options.out.c_str());
  }
  return wire::ExitCode(record);
}

}  // namespace

int RunCommand(const RunOptions& options) {
  return WithErrorsTold([&] {
    const schema::Document job = LoadJob(options.spec);
    if (options.ranks > 1) {
      return RunLocalRanks(options.ranks, [&](const dist::Membership& membership) {
        return WithErrorsTold([&] { return RunRank(options, job, membership); });
      });
    }
    const auto alone = dist::Membership{};
    const int code =
        RunRank(options, job, options.ranks == 1 ? alone : MembershipFromEnvironment());
    fflush(nullptr);
    _exit(code);
  });
}

}  // namespace ocellus::trainer
