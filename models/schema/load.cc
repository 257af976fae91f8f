#include <exception>

#include "models/schema/check.h"
#include "models/schema/source.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

// Runs `body`; whatever it throws (out of memory, a fault of ours) becomes a problem.
template <typename Body>
bool Guarded(const std::string& file, std::vector<Problem>* problems, Body body) {
  try {
    return body();
  } catch (const std::exception& e) {
    problems->push_back(
        {file, 0, 0, "", std::string("the document could not be checked: ") + e.what(), ""});
    return false;
  }
}

bool IsSection(const Source& source, Reporter* reporter) {
  if (source.value.is_object()) return true;
  reporter->Add("", "expected keys and values",
                "for example `name: my-job`; see `ocellus explain`");
  return false;
}

bool Resolve(Source source, Use use, json* out, std::vector<Problem>* problems) {
  Reporter reporter(&source, problems);
  if (!IsSection(source, &reporter)) return reporter.Finish();
  if (use == Use::kReplay) {
    for (const std::string& key : Names(SchedulingSchema()["properties"])) source.value.erase(key);
  }
  FillObjectiveDefaults(&source.value);
  json resolved = Check(TrainingSchema(use), source.value, "", &reporter);
  CheckRules(resolved, use, &reporter);
  CheckBatch(resolved, 1, &reporter);
  if (problems->empty()) AskSecondOpinion(TrainingSchema(use), resolved, &reporter);
  *out = std::move(resolved);
  return reporter.Finish();
}

bool ResolveDocument(Source source, Document* out, std::vector<Problem>* problems) {
  Reporter reporter(&source, problems);
  if (!IsSection(source, &reporter)) return reporter.Finish();
  FillObjectiveDefaults(&source.value);
  json resolved = Check(DocumentSchema(), source.value, "", &reporter);
  CheckRules(resolved, Use::kJob, &reporter);
  bool has_ranks = resolved.contains("ranks") && resolved["ranks"].is_number_integer();
  CheckBatch(resolved, has_ranks ? resolved["ranks"].get<int64_t>() : 1, &reporter);
  if (problems->empty()) AskSecondOpinion(DocumentSchema(), resolved, &reporter);
  out->scheduling = json::object();
  out->training = json::object();
  for (auto& [key, value] : resolved.items()) {
    bool scheduling = SchedulingSchema()["properties"].contains(key);
    (scheduling ? out->scheduling : out->training)[key] = value;
  }
  return reporter.Finish();
}

}  // namespace

bool Load(const std::string& text, const std::string& file, Document* out,
          std::vector<Problem>* problems, const std::vector<std::string>& overrides) {
  problems->clear();
  return Guarded(file, problems, [&] {
    Source source;
    if (!Parse(text, file, &source, problems)) return false;
    for (const std::string& assignment : overrides) Override(assignment, &source, problems);
    return ResolveDocument(std::move(source), out, problems) && problems->empty();
  });
}

bool LoadTraining(const std::string& text, const std::string& file, Use use, json* out,
                  std::vector<Problem>* problems) {
  problems->clear();
  return Guarded(file, problems, [&] {
    Source source;
    if (!Parse(text, file, &source, problems)) return false;
    return Resolve(std::move(source), use, out, problems);
  });
}

bool ResolveTraining(const json& in, Use use, json* out, std::vector<Problem>* problems) {
  problems->clear();
  return Guarded("", problems, [&] {
    Source source;
    source.value = in;
    return Resolve(std::move(source), use, out, problems);
  });
}

bool CheckRanks(const json& training, int64_t ranks, std::vector<Problem>* problems) {
  return Guarded("", problems, [&] {
    Source source;
    Reporter reporter(&source, problems);
    CheckBatch(training, ranks, &reporter);
    return reporter.Finish();
  });
}

}  // namespace ocellus::schema
