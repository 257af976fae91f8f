// What may stand in a job's document, and what stands there when the user says nothing.
//
// The keys are data: one JSON Schema file a section or method in this folder (job.json,
// objective.mae.json ...), embedded at build time. Beside JSON Schema's own words a key has
// `description` and `source` (paper or official file), and a section may say `exactly_one`,
// `at_most_one`, `methods` (its keys are the files of that prefix), `overrides_siblings` (a map
// from names to sections that may hold the keys beside it) and, for a list, `ordered`. An
// objective's file may say `augment`: the defaults of data.augment under that objective.
//
// Functions here never throw and keep no state; they may be called from any thread. Linked by the
// service and the trainer alike: standard C++, nlohmann, yaml-cpp and valijson only.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ocellus::schema {

// A larger text is refused unread.
inline constexpr size_t kSpecBytesMax = 1 << 20;

// One thing wrong with a document.
struct Problem {
  std::string file;     // as the caller named it; "--set" for an override; may be empty
  int line = 0;         // from 1; 0 where there is none (JSON that came without text)
  int column = 0;       // from 1
  std::string path;     // key path, "objective.mae.mask_ratio"; may be empty
  std::string message;  // what is wrong
  std::string hint;     // what to do; may be empty

  // "recipe.yaml:12: objective.mae.mask_ration: unknown key; did you mean mask_ratio?"
  std::string ToString() const;
};

// A job's document, resolved: every default filled in. `objective`, `model` and `optimizer` have
// exactly one key (model.preset is expanded), numbers are int or float as their key wants. Only
// alternatives stay absent: lr or base_lr, total_steps or epochs, warmup_steps or warmup_epochs.
struct Document {
  nlohmann::json
      scheduling;           // name, project, priority, ranks, device, labels, retry, checkpoint ...
  nlohmann::json training;  // seed, objective, model, data, batch, optimizer ...
};

// What a training document is for. kReplay (given weights and inputs) does without `data` and
// `batch`, has precision fp32 by default, and passes over scheduling keys.
enum class Use { kJob, kReplay };

// Reads YAML or JSON. `overrides` are "key.path=VALUE" with a YAML value, applied before the check;
// null removes the key. False when there are problems: all of them at once, in the document's
// order.
bool Load(const std::string& text, const std::string& file, Document* out,
          std::vector<Problem>* problems, const std::vector<std::string>& overrides = {});

// Reads YAML or JSON that is a training document.
bool LoadTraining(const std::string& text, const std::string& file, Use use, nlohmann::json* out,
                  std::vector<Problem>* problems);

// Checks and resolves a training document that is JSON already. A resolved one stays as it is.
bool ResolveTraining(const nlohmann::json& in, Use use, nlohmann::json* out,
                     std::vector<Problem>* problems);

// Whether `ranks` processes can share the batch of a resolved training document; Load has checked
// it.
bool CheckRanks(const nlohmann::json& training, int64_t ranks, std::vector<Problem>* problems);

// A text for people about a key, a section ("objective.mae", "" for the whole document) or the end
// of a path ("mask_ratio"). An unknown one sets *found to false and gives the nearest.
std::string Explain(const std::string& key_path, bool* found);

// Every key path of a job's document, in the order of the files.
std::vector<std::string> KeyPaths();

// The whole document as one JSON Schema (draft 7), for editors.
const nlohmann::ordered_json& DocumentSchema();

}  // namespace ocellus::schema
