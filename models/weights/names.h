// How the names in a file become the names of a model.
#pragma once

#include <map>
#include <string>

#include "models/objective.h"

namespace ocellus::models::weights {

// Name in the model to name in the file. A name of the file that is nobody's stays its own.
using Renaming = std::map<std::string, std::string>;

// For a file of everything. `own`: what the model has.
Renaming WholeNames(const Tensors& own, const Tensors& given);

// For an encoder that may be a part of the file: of the prefixes that methods give their encoders
// the one below which most of `encoder` is. Names of the file outside of it are not in the result.
Renaming EncoderNames(const Tensors& encoder, const Tensors& given);

}  // namespace ocellus::models::weights
