// A document against its schema: messages for people, and defaults filled in.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/schema/catalog.h"
#include "models/schema/report.h"

namespace ocellus::schema {

// Returns `value` resolved against `schema`; reports whatever does not fit, and leaves that out.
nlohmann::json Check(const Schema& schema, const nlohmann::json& value, const std::string& path,
                     Reporter* reporter);

// Adds to data.augment and to schedule what the document's objective has for defaults there (the
// words "augment" and "schedule" of its schema) and the document does not give itself. Leaves alone
// what is not as it should be: Check tells.
void FillObjectiveDefaults(nlohmann::json* document);

// A validator that knows nothing of ours (valijson), asked when Check found no fault, so that the
// files mean what JSON Schema says. `value` is resolved. Reports its complaints.
void AskSecondOpinion(const Schema& schema, const nlohmann::json& value, Reporter* reporter);

// What one key's schema cannot say: sizes that must divide each other and the like. `training` is
// resolved, but lacks what was reported.
void CheckRules(const nlohmann::json& training, Use use, Reporter* reporter);

// batch.global over ranks and micro-batches.
void CheckBatch(const nlohmann::json& training, int64_t ranks, Reporter* reporter);

}  // namespace ocellus::schema
