#include "worker/trainer/job_file.h"

#include <cstdlib>
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
  const char* home = std::getenv("HOME");
  if (source.starts_with("~/") && home != nullptr) return home + source.substr(1);
  if (source.empty() || source.front() == '/' || source.find("://") != std::string::npos) {
    return source;
  }
  return (folder / source).lexically_normal().string();
}

void MakeAbsolute(const fs::path& folder, nlohmann::json* value) {
  if (value->is_string()) {
    *value = From(folder, value->get<std::string>());
  } else {
    for (auto& source : *value) source = From(folder, source.get<std::string>());
  }
}

void MakePathsAbsolute(const fs::path& folder, nlohmann::json* training) {
  for (const char* key : {"/data/train", "/data/val", "/data/text/vocabulary", "/init/weights",
                          "/eval/zero_shot/classes"}) {
    auto& value = (*training)[nlohmann::json::json_pointer(key)];
    // A list of classes has their names.
    if (value.is_string() || std::string(key).starts_with("/data/")) MakeAbsolute(folder, &value);
  }
}

}  // namespace

schema::Document LoadJob(const std::string& path) {
  schema::Document job;
  std::vector<schema::Problem> problems;
  if (!schema::Load(ReadTextFile(path), path, &job, &problems)) Refuse(problems);
  MakePathsAbsolute(fs::absolute(path).parent_path(), &job.training);
  return job;
}

nlohmann::json FilledIn(const nlohmann::json& training, const std::string& origin) {
  nlohmann::json filled;
  std::vector<schema::Problem> problems;
  if (schema::ResolveTraining(training, schema::Use::kJob, &filled, &problems)) return filled;
  for (auto& problem : problems) problem.file = origin;
  Refuse(problems);
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
