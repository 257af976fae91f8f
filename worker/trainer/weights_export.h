// Weights as files: the bytes, and where they are put.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/objective.h"
#include "worker/checkpoint/manifest.h"
#include "worker/trainer/artifacts.h"
#include "worker/trainer/model_card.h"

namespace ocellus::trainer {

// A safetensors file: the encoder under timm's names with its metadata, or all under official ones.
// Fills in the facts that are of the file.
std::vector<std::byte> WeightsFile(models::Objective& objective, bool full, CardFacts* facts);

// What a manifest says of a run.
CardFacts FactsOf(const checkpoint::Manifest& manifest);

// encoder.safetensors and model_card.md among a job's artifacts; the rest of `facts` is given.
void PublishEncoder(models::Objective& objective, CardFacts facts, Artifacts* artifacts);

// The weights at `uri`, an address of a store that ends in ".safetensors", and the card beside
// them: "encoder.md" for "encoder.safetensors". Throws wire::Fault (user, BAD_SPEC) for another
// name, and what the store met.
void PutExport(models::Objective& objective, bool full, CardFacts facts, const std::string& uri);

}  // namespace ocellus::trainer
