// An encoder from a document's "model", for methods that take any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "models/nn/encoder.h"
#include "models/objective.h"

namespace ocellus::models::objectives {

struct NamedEncoder {
  std::shared_ptr<nn::Encoder> module;
  int64_t image_size = 224;                     // pixels of a side that training gives it
  bool any_size = false;                        // whether it takes others
  std::map<std::string, std::string> metadata;  // of its export
};

// From a resolved training document. Throws wire::Fault (user, BAD_SPEC) for an architecture that
// is none of these, or names the key that does not fit.
NamedEncoder MakeEncoder(const nlohmann::json& document, const std::string& objective);

// Parameters and buffers by name, detached: what an export holds.
Tensors EncoderState(const torch::nn::Module& encoder);

}  // namespace ocellus::models::objectives
