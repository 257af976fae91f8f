// `checkpoint show|pin|unpin|rm|cp`: what people do with single checkpoints.
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/cli/commands.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"
#include "worker/checkpoint/copy.h"
#include "worker/store/store_uri.h"
#include "worker/wire/fault.h"

namespace ocellus::cli {
namespace {

struct CareArguments {
  std::string job;
  int64_t step = 0;
  bool force = false;
  std::string destination;
};

void PrintLine(const std::string& name, const std::string& value) {
  Print(absl::StrCat(name, std::string(name.size() < 12 ? 12 - name.size() : 1, ' '), value, "\n"));
}

void PrintManifest(const std::string& text) {
  const auto manifest = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) {
    return PrintLine("manifest", "cannot be read now; see `ocellus checkpoint verify`");
  }
  PrintLine("samples", manifest.value("samples", nlohmann::json(0)).dump());
  const nlohmann::json metrics = manifest.value("metrics", nlohmann::json::object());
  for (const auto& [name, value] : metrics.items()) {
    PrintLine(name, value.dump());
  }
  for (const auto& file : manifest.value("files", nlohmann::json::array())) {
    if (!file.is_object()) continue;
    PrintLine("file",
              absl::StrCat(file.value("name", ""), "  ", BytesText(file.value("bytes", int64_t{0})),
                           "  sha256 ", file.value("sha256", "")));
  }
}

void Show(Session* session, const CareArguments& arguments) {
  v1::GetCheckpointResponse response;
  if (!session->ReadCheckpoint(arguments.job, arguments.step, &response) ||
      session->PrintMessage(response)) {
    return;
  }
  const v1::Checkpoint& one = response.checkpoint();
  PrintLine("job", one.job_id());
  PrintLine("step", absl::StrCat(one.step()));
  PrintLine("generation", absl::StrCat(one.generation()));
  PrintLine("state", CheckpointStateText(one.state()) + (one.pinned() ? ", pinned" : ""));
  PrintLine("committed", TimeText(one.commit_time()));
  PrintLine("size", BytesText(one.bytes()));
  PrintLine("uri", one.uri());
  PrintManifest(response.manifest());
}

void Pin(Session* session, const CareArguments& arguments, bool pinned) {
  v1::PinCheckpointRequest request;
  request.set_job(arguments.job);
  request.set_step(arguments.step);
  request.set_pinned(pinned);
  v1::PinCheckpointResponse response;
  if (!session->Change(session->checkpoints(), &v1::CheckpointService::Stub::PinCheckpoint, request,
                       &response) ||
      session->PrintMessage(response)) {
    return;
  }
  Print(absl::StrCat("step ", response.checkpoint().step(), pinned ? " pinned\n" : " unpinned\n"));
}

void Remove(Session* session, const CareArguments& arguments) {
  v1::DeleteCheckpointRequest request;
  request.set_job(arguments.job);
  request.set_step(arguments.step);
  request.set_force(arguments.force);
  v1::DeleteCheckpointResponse response;
  if (!session->Change(session->checkpoints(), &v1::CheckpointService::Stub::DeleteCheckpoint,
                       request, &response) ||
      session->PrintMessage(response)) {
    return;
  }
  Print(absl::StrCat("step ", response.checkpoint().step(), " removed\n"));
  if (!response.remaining().empty()) {
    Note("its bytes are still there and go with a later sweep: " + OneLine(response.remaining()));
  }
}

// Moves the bytes from here, with this machine's credentials; what a coordinator may write to is
// its operator's affair.
bool CopyBytes(Session* session, const v1::Checkpoint& checkpoint, const std::string& destination,
               int64_t* bytes) {
  try {
    const store::UriLast from = store::SplitLast(checkpoint.uri());
    const store::UriLast to = store::SplitLast(destination);
    const auto origin = store::OpenStore(from.folder);
    const auto target = store::OpenStore(to.folder);
    *bytes = checkpoint::Copy(*origin, {checkpoint.step(), from.name + "/", checkpoint.job_id()},
                              *target, to.name.empty() ? "" : to.name + "/");
    return true;
  } catch (const wire::Fault& fault) {
    const bool usage = fault.fault_class() == wire::FaultClass::kUser;
    session->Fail(usage ? kUsage : kFailed,
                  absl::StrCat(OneLine(fault.what()), "\n  next: ", OneLine(fault.hint())));
    return false;
  }
}

void Copy(Session* session, const CareArguments& arguments) {
  v1::GetCheckpointResponse response;
  int64_t bytes = 0;
  if (!session->ReadCheckpoint(arguments.job, arguments.step, &response) ||
      !CopyBytes(session, response.checkpoint(), arguments.destination, &bytes)) {
    return;
  }
  v1::RecordCopyRequest record;
  record.set_job(arguments.job);
  record.set_step(response.checkpoint().step());
  record.set_destination(arguments.destination);
  v1::RecordCopyResponse recorded;
  if (!session->Change(session->checkpoints(), &v1::CheckpointService::Stub::RecordCopy, record,
                       &recorded)) {
    return;
  }
  if (!session->PrintValue({{"step", response.checkpoint().step()},
                            {"uri", arguments.destination},
                            {"bytes", bytes}})) {
    Print(arguments.destination + "\n");
    Note(absl::StrCat("copied and verified step ", response.checkpoint().step(), ", ",
                      BytesText(bytes)));
  }
}

std::shared_ptr<CareArguments> AddArguments(CLI::App* command, bool step_required) {
  auto arguments = std::make_shared<CareArguments>();
  command->add_option("JOB", arguments->job, "Id, or name: the newest job of that name")
      ->required();
  command
      ->add_option("--step", arguments->step,
                   step_required ? "Of this step" : "Of this step; else the newest")
      ->check(CLI::PositiveNumber)
      ->required(step_required);
  return arguments;
}

}  // namespace

void AddCheckpointCare(CLI::App* group, Session* session) {
  CLI::App* show = group->add_subcommand("show", "One checkpoint: state, files, what was measured");
  const auto shown = AddArguments(show, false);
  show->callback([session, shown] { Show(session, *shown); });

  CLI::App* pin = group->add_subcommand("pin", "Keep one whatever retention says");
  const auto pinned = AddArguments(pin, false);
  pin->callback([session, pinned] { Pin(session, *pinned, true); });

  CLI::App* unpin = group->add_subcommand("unpin", "Leave one to retention again");
  const auto unpinned = AddArguments(unpin, false);
  unpin->callback([session, unpinned] { Pin(session, *unpinned, false); });

  CLI::App* rm = group->add_subcommand("rm", "Remove one from the table and the store");
  const auto removed = AddArguments(rm, true);
  rm->add_flag("--force", removed->force, "Also the newest committed one, or a pinned one");
  rm->callback([session, removed] { Remove(session, *removed); });

  CLI::App* cp = group->add_subcommand("cp", "Copy one to another place, verifying every byte");
  const auto copied = AddArguments(cp, false);
  cp->add_option("URI", copied->destination,
                 "The copy's own folder: s3://BUCKET/PREFIX/NAME?endpoint=..., or a path")
      ->required();
  cp->footer(
      "\nThe bytes go by way of this machine, with its credentials.\n\nExample:\n  ocellus "
      "checkpoint cp demo-mae --step 2000 s3://models/keep/demo-mae-2000");
  cp->callback([session, copied] { Copy(session, *copied); });
}

}  // namespace ocellus::cli
