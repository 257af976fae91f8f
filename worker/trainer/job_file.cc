#include "worker/trainer/job_file.h"

#include <filesystem>

#include "worker/trainer/user_error.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Refuse(const std::vector<schema::Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem.ToString();
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", text);
}

std::string From(const fs::path& folder, const std::string& source) {
  if (source.empty() || source.front() == '/' || source.front() == '~') return source;
  return (folder / source).lexically_normal().string();
}

void MakeAbsolute(const fs::path& folder, nlohmann::json* value) {
  if (value->is_string()) {
    *value = From(folder, value->get<std::string>());
  } else {
    for (auto& source : *value) source = From(folder, source.get<std::string>());
  }
}

}  // namespace

schema::Document LoadJob(const std::string& path) {
  schema::Document job;
  std::vector<schema::Problem> problems;
  if (!schema::Load(ReadTextFile(path), path, &job, &problems)) Refuse(problems);
  const fs::path folder = fs::absolute(path).parent_path();
  MakeAbsolute(folder, &job.training["data"]["train"]);
  MakeAbsolute(folder, &job.training["data"]["val"]);
  MakeAbsolute(folder, &job.training["init"]["weights"]);
  return job;
}

nlohmann::json LoadReplaySpec(const std::string& path) {
  nlohmann::json training;
  std::vector<schema::Problem> problems;
  if (!schema::LoadTraining(ReadTextFile(path), path, schema::Use::kReplay, &training, &problems)) {
    Refuse(problems);
  }
  return training;
}

}  // namespace ocellus::trainer
