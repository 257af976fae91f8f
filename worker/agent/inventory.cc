#include "worker/agent/inventory.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/base/log.h"

namespace ocellus::agent {
namespace {

// A driver that hangs must not keep the agent from coming up.
constexpr char kQuery[] =
    "command -v nvidia-smi >/dev/null 2>&1 || exit 3; "
    "timeout 20 nvidia-smi --query-gpu=index,uuid,name,memory.total "
    "--format=csv,noheader,nounits 2>&1";
constexpr int kNoProgram = 3;
constexpr int64_t kMebibyte = 1 << 20;

int RunQuery(std::string* output) {
  FILE* pipe = popen(kQuery, "r");
  if (!pipe) return -1;
  char chunk[4096];
  size_t got;
  while ((got = fread(chunk, 1, sizeof(chunk), pipe)) > 0) output->append(chunk, got);
  const int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

absl::StatusOr<v1::Inventory> ParseGpus(const std::string& csv) {
  v1::Inventory inventory;
  for (absl::string_view line : absl::StrSplit(csv, '\n', absl::SkipWhitespace())) {
    const std::vector<std::string> fields = absl::StrSplit(line, ", ");
    v1::Gpu* gpu = inventory.add_gpus();
    int index = 0;
    int64_t mebibytes = 0;
    if (fields.size() != 4 || !absl::SimpleAtoi(fields[0], &index) ||
        !absl::SimpleAtoi(fields[3], &mebibytes)) {
      return absl::InvalidArgumentError(absl::StrCat("nvidia-smi says '", line, "'"));
    }
    gpu->set_index(index);
    gpu->set_uuid(fields[1]);
    gpu->set_model(fields[2]);
    gpu->set_memory_bytes(mebibytes * kMebibyte);
  }
  return inventory;
}

v1::Inventory TakeInventory(int cpu_slots) {
  v1::Inventory inventory;
  std::string output;
  const int code = RunQuery(&output);
  if (code == 0) {
    auto gpus = ParseGpus(output);
    if (gpus.ok()) {
      inventory = *std::move(gpus);
    } else {
      coordinator::Log(coordinator::LogSeverity::kWarning, "gpus_unknown",
                       {{"status", gpus.status().ToString()}});
    }
  } else if (code != kNoProgram) {
    coordinator::Log(coordinator::LogSeverity::kWarning, "gpus_unknown",
                     {{"nvidia_smi_exit", code}, {"output", output.substr(0, 300)}});
  }
  inventory.set_cpu_slots(cpu_slots);
  char host[256] = {};
  if (gethostname(host, sizeof(host) - 1) == 0) inventory.set_host(host);
  return inventory;
}

}  // namespace ocellus::agent
