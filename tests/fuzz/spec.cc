// A job's document, YAML or JSON, as `submit` and the coordinator read it: every text gives a
// document or problems, and what it gives can be given again.
#include <cstdlib>
#include <vector>

#include "models/schema/schema.h"
#include "tests/fuzz/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace schema = ocellus::schema;
  const std::string text = ocellus::TextOf(data, size);
  schema::Document document;
  std::vector<schema::Problem> problems;
  if (!schema::Load(text, "fuzz.yaml", &document, &problems)) {
    if (problems.empty()) std::abort();
    return 0;
  }
  nlohmann::json again;
  problems.clear();
  if (!schema::ResolveTraining(document.training, schema::Use::kJob, &again, &problems)) {
    std::abort();
  }
  return 0;
}
