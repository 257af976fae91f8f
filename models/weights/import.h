// Weights that other programs wrote, under the names that they use: official files of the methods
// (moco-v3's `module.`, open_clip's CustomTextCLIP with `text.`), timm's and torchvision's.
#pragma once

#include <string>
#include <vector>

#include "models/objective.h"

namespace ocellus::models::weights {

enum class ImportPart {
  kAll,      // every parameter and buffer must be in the file, and nothing else
  kEncoder,  // the encoder must be in the file; everything else stays as it is
};

// What became of each tensor. Names are the objective's own in `filled` and `kept`, the file's in
// `left_out`; all sorted.
struct ImportReport {
  std::vector<std::string> filled;
  std::vector<std::string> kept;
  std::vector<std::string> left_out;

  // A line for each of the three lists that is not empty.
  std::string Text() const;
};

// Copies `given` into the objective. Prefixes that wrap a whole file (`module.`, `model.`) are
// taken off; F16, BF16 and F64 become F32. An encoder is found by the names of encoder_weights(),
// alone or below the prefix that a method gives its encoder (`base_encoder.`, `online.encoder.`,
// `visual.` ...); slow copies of the encoder start equal to it. Throws wire::Fault (user,
// WEIGHTS_MISMATCH) that lists every missing name and wrong shape, with kAll every unexpected name
// too; then nothing has changed. `origin` names the file in the message.
ImportReport Import(Objective& objective, const Tensors& given, ImportPart part,
                    const std::string& origin);

// Whether `given` is an encoder's export of such an objective: its names and no others.
bool IsEncoderAlone(Objective& objective, const Tensors& given);

}  // namespace ocellus::models::weights
