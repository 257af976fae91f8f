#include "models/schema/check.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

// Sections are filled key by key; a key that the document gives stays.
void Fill(const json& defaults, json* given) {
  if (given->is_null()) *given = json::object();
  if (!given->is_object()) return;
  for (const auto& [key, value] : defaults.items()) {
    if (!given->contains(key)) {
      (*given)[key] = value;
    } else if (value.is_object()) {
      Fill(value, &(*given)[key]);
    }
  }
}

}  // namespace

void FillObjectiveDefaults(json* document) {
  const auto objective = document->find("objective");
  if (objective == document->end() || !objective->is_object() || objective->size() != 1) return;
  const Schema& methods = TrainingSchema(Use::kJob)["properties"]["objective"]["properties"];
  const auto method = methods.find(objective->begin().key());
  if (method == methods.end()) return;
  const auto data = document->find("data");
  if (method->contains("augment") && data != document->end() && data->is_object()) {
    Fill(json((*method)["augment"]), &(*data)["augment"]);
  }
  const auto schedule = document->find("schedule");
  if (method->contains("schedule") && schedule != document->end()) {
    Fill(json((*method)["schedule"]), &*schedule);
  }
}

}  // namespace ocellus::schema
