// What goes with weights that are given away: where they came from, and how good they are.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "worker/store/object_store.h"

namespace ocellus::trainer {

struct CardFacts {
  std::string file;  // the weights' name
  int64_t bytes = 0;
  std::string sha256;
  bool full = false;                            // all weights, not the encoder alone
  std::map<std::string, std::string> metadata;  // of the file
  std::string job;                              // id
  std::string name;
  std::string project;
  int64_t step = 0;
  int64_t samples = 0;
  int64_t data_samples = 0;  // of the training set; 0: not counted here
  nlohmann::json document;   // resolved training document
  std::string history;       // of history.jsonl; "" when there is none
  std::string evaluation;    // of evaluation.json; "" when there is none
  std::string trainer;       // version that trained
};

// Markdown. Nothing of time or machine is in it, so that the same run gives the same card; no
// credential either: documents have none.
std::string ModelCard(const CardFacts& facts);

// Fills in history and evaluation from the artifacts below `prefix` (ends in '/' or is empty) as
// far as they are there.
void AddArtifacts(store::ObjectStore& store, const std::string& prefix, CardFacts* facts);

}  // namespace ocellus::trainer
