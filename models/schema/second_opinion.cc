#include <exception>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "models/schema/check.h"

namespace ocellus::schema {

void AskSecondOpinion(const Schema& schema, const nlohmann::json& value, Reporter* reporter) {
  try {
    nlohmann::json plain = schema;
    valijson::Schema compiled;
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(plain), compiled);
    valijson::ValidationResults results;
    valijson::Validator().validate(compiled, valijson::adapters::NlohmannJsonAdapter(value),
                                   &results);
    for (const auto& error : results) {
      std::string path;
      for (const std::string& part : error.context) path += part;
      reporter->Add("", path + ": " + error.description);
    }
  } catch (const std::exception& e) {
    reporter->Add("", std::string("the schema itself is at fault: ") + e.what());
  }
}

}  // namespace ocellus::schema
