#include "worker/trainer/weights_export.h"

#include <cstring>
#include <span>
#include <utility>

#include "models/weights/weights.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/store/sha256.h"
#include "worker/store/store_uri.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

constexpr char kEncoder[] = "encoder.safetensors";
constexpr char kEnding[] = ".safetensors";

}  // namespace

std::vector<std::byte> WeightsFile(models::Objective& objective, bool full, CardFacts* facts) {
  facts->full = full;
  facts->metadata = {{"format", "pt"}};
  if (!full) facts->metadata = objective.encoder_metadata();
  const models::Tensors tensors =
      full ? models::weights::State(objective) : objective.encoder_weights();
  checkpoint::Snapshot snapshot;
  snapshot.Take({{kEncoder, models::weights::Source(tensors, facts->metadata)}});
  const auto& file = snapshot.files().at(kEncoder);
  std::vector<std::byte> bytes(file.header.size() + file.data.size());
  std::memcpy(bytes.data(), file.header.data(), file.header.size());
  std::memcpy(bytes.data() + file.header.size(), file.data.data(), file.data.size());
  facts->bytes = static_cast<int64_t>(bytes.size());
  store::Sha256 sum;
  sum.Update(bytes);
  facts->sha256 = sum.FinishHex();
  return bytes;
}

CardFacts FactsOf(const checkpoint::Manifest& manifest) {
  CardFacts facts;
  facts.job = manifest.job;
  facts.step = manifest.step;
  facts.samples = manifest.samples;
  facts.document = manifest.document;
  facts.trainer = manifest.trainer;
  return facts;
}

void PublishEncoder(models::Objective& objective, CardFacts facts, Artifacts* artifacts) {
  facts.file = kEncoder;
  artifacts->Put("encoder", kEncoder, WeightsFile(objective, /*full=*/false, &facts));
  facts.history = artifacts->Get("history.jsonl");
  facts.evaluation = artifacts->Get("evaluation.json");
  artifacts->Put("model_card", "model_card.md", ModelCard(facts));
}

void PutExport(models::Objective& objective, bool full, CardFacts facts, const std::string& uri) {
  const store::UriLast last = store::SplitLast(uri);
  if (!last.name.ends_with(kEnding)) {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", uri + " does not end in .safetensors",
                      "give s3://BUCKET/PREFIX/encoder.safetensors or a file");
  }
  facts.file = last.name;
  const auto bytes = WeightsFile(objective, full, &facts);
  const auto store = store::OpenStore(last.folder);
  store->Put(last.name, bytes);
  const std::string card = ModelCard(facts);
  const std::string stem = last.name.substr(0, last.name.size() - (sizeof(kEnding) - 1));
  store->Put(stem + ".md", std::as_bytes(std::span(card)));
}

}  // namespace ocellus::trainer
