#include "tools/cli/job_document.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/cli/data_paths.h"

namespace ocellus::cli {
namespace {

// Reads one byte more than is allowed, so that the check sees that there is too much. False with
// errno set.
bool ReadText(const std::string& path, std::string* text) {
  FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    return false;
  }
  std::string buffer(1 << 16, '\0');
  errno = 0;
  while (text->size() <= 8 * schema::kSpecBytesMax) {
    const size_t got = std::fread(buffer.data(), 1, buffer.size(), file);
    if (got == 0) {
      break;
    }
    text->append(buffer, 0, got);
  }
  const bool good = std::ferror(file) == 0;
  const int error = errno;
  if (file != stdin) {
    std::fclose(file);
  }
  errno = error;
  return good;
}

v1::Device ParseDevice(const std::string& name) {
  v1::Device device = v1::DEVICE_AUTO;
  v1::Device_Parse("DEVICE_" + absl::AsciiStrToUpper(name), &device);
  return device;
}

void SetCheckpointExtras(const nlohmann::json& keys, v1::CheckpointPolicy* policy) {
  policy->set_auto_interval(keys["interval"] == "auto");
  policy->set_keep_best(keys["keep_best"].get<int32_t>());
  policy->set_best_metric(keys["best_metric"].get<std::string>());
  policy->set_memory_copy(keys["memory_copy"].get<bool>());
  policy->set_memory_every_steps(keys["memory_every_steps"].get<int64_t>());
}

}  // namespace

bool ReadJobDocument(const std::string& path, const std::vector<std::string>& overrides,
                     JobDocument* out, std::vector<schema::Problem>* problems) {
  out->file = path == "-" ? "stdin" : path;
  std::string text;
  if (!ReadText(path, &text)) {
    problems->push_back({out->file, 0, 0, "", absl::StrCat("cannot be read: ", strerror(errno)),
                         "give the path of a job document in YAML or JSON"});
    return false;
  }
  if (!schema::Load(text, out->file, &out->document, problems, overrides)) {
    return false;
  }
  std::error_code ignored;
  const std::string folder = path == "-"
                                 ? std::filesystem::current_path(ignored).string()
                                 : std::filesystem::absolute(path, ignored).parent_path().string();
  MakePathsAbsolute(folder, &out->document.training);
  return true;
}

v1::JobSpec ToJobSpec(const schema::Document& document) {
  const nlohmann::json& keys = document.scheduling;
  v1::JobSpec spec;
  spec.set_name(keys["name"].get<std::string>());
  spec.set_project(keys["project"].get<std::string>());
  spec.set_priority(keys["priority"].get<int32_t>());
  spec.set_ranks(keys["ranks"].get<int32_t>());
  spec.set_device(ParseDevice(keys["device"].get<std::string>()));
  spec.mutable_retry()->set_user_retries(keys["retry"]["user_retries"].get<int32_t>());
  spec.mutable_retry()->set_unknown_retries(keys["retry"]["unknown_retries"].get<int32_t>());
  auto* checkpoint = spec.mutable_checkpoint();
  checkpoint->set_every_steps(keys["checkpoint"]["every_steps"].get<int64_t>());
  checkpoint->set_keep(keys["checkpoint"]["keep"].get<int32_t>());
  checkpoint->set_keep_every_steps(keys["checkpoint"]["keep_every_steps"].get<int64_t>());
  SetCheckpointExtras(keys["checkpoint"], checkpoint);
  spec.mutable_stop_grace()->set_seconds(keys["stop_grace_s"].get<int64_t>());
  for (const auto& [key, value] : keys["labels"].items()) {
    (*spec.mutable_labels())[key] = value.get<std::string>();
  }
  spec.set_training_json(document.training.dump());
  return spec;
}

std::string ProblemsText(const std::string& file, const std::vector<schema::Problem>& problems) {
  std::string text;
  for (const schema::Problem& problem : problems) {
    absl::StrAppend(&text, problem.ToString(), "\n");
  }
  absl::StrAppend(&text, "ocellus: ", problems.size(),
                  problems.size() == 1 ? " problem" : " problems", " in ", file,
                  "; `ocellus explain KEY` tells what a key means");
  return text;
}

}  // namespace ocellus::cli
