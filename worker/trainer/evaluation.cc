#include "worker/trainer/evaluation.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/inputs.h"
#include "worker/trainer/linear_probe.h"
#include "worker/trainer/retrieval.h"
#include "worker/trainer/zero_shot.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kPixelSide = 32;     // of raw pixels as features
constexpr int64_t kHealthRows = 2048;  // whose health is measured, at most

int SizeOf(const models::Objective& objective) { return objective.inputs().views.at(0).size; }

torch::Tensor Pixels(const models::Tensors& batch) {
  const torch::Tensor& images = batch.at(kWholeImage);
  const int64_t side = std::min(kPixelSide, images.size(2));
  return torch::adaptive_avg_pool2d(images, {side, side}).flatten(1);
}

torch::Tensor Tokens(const data::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                     int64_t length) {
  torch::Tensor tokens = torch::zeros({static_cast<int64_t>(texts.size()), length}, torch::kLong);
  for (size_t i = 0; i < texts.size(); ++i) {
    int64_t* row = tokens.data_ptr<int64_t>() + static_cast<int64_t>(i) * length;
    data::Tokenizer::Fill(tokenizer.Encode(texts[i]), length, row);
  }
  return tokens;
}

FeatureHealth HealthOf(const torch::Tensor& features) {
  return MeasureHealth(features.narrow(0, 0, std::min(kHealthRows, features.size(0))));
}

}  // namespace

KnnSplit SplitForKnn(int64_t available, int64_t bank, int64_t queries) {
  if (bank + queries <= available) return {bank, queries};
  const double share = static_cast<double>(queries) / static_cast<double>(bank + queries);
  const auto held_back = static_cast<int64_t>(share * static_cast<double>(available));
  return {available - held_back, held_back};
}

// Which samples: `bank` from the start of the training set's order, `queries` from `first_query` of
// the query set's.
struct Evaluation::Split {
  int64_t bank = 0;
  int64_t queries = 0;
  int64_t first_query = 0;
};

Evaluation::Evaluation(const nlohmann::json& training,
                       std::shared_ptr<const data::Dataset> training_set,
                       std::shared_ptr<const data::Dataset> validation_set,
                       dist::Communicator* ranks, torch::Device device)
    : data_(training.at("data")),
      zero_shot_(training.at("eval").at("zero_shot")),
      settings_(ReadSettings(training)),
      training_set_(std::move(training_set)),
      validation_set_(std::move(validation_set)),
      reader_(data_, settings_, ranks, device),
      device_(device) {}

std::shared_ptr<const data::Dataset> Evaluation::query_set() const {
  return validation_set_ ? validation_set_ : training_set_;
}

bool Evaluation::labelled() const {
  return training_set_->classes() > 0 && query_set()->classes() > 0;
}

std::optional<Evaluation::Split> Evaluation::MakeSplit() const {
  const KnnSettings& knn = settings_.eval.knn;
  if (knn.train_samples == 0 || knn.val_samples == 0) return std::nullopt;
  const int64_t places = reader_.Places(*training_set_);
  Split split{std::min(knn.train_samples, places),
              std::min(knn.val_samples, reader_.Places(*query_set())), 0};
  if (!validation_set_) {
    const KnnSplit shared = SplitForKnn(places, knn.train_samples, knn.val_samples);
    split = {shared.bank, shared.queries, shared.bank};
  }
  if (split.bank == 0 || split.queries == 0) return std::nullopt;
  return split;
}

Findings Evaluation::Look(models::Objective& objective) {
  const auto split = MakeSplit();
  if (!split) return {};
  Findings findings =
      Classify(*split, SizeOf(objective), [&objective](const models::Tensors& batch) {
        return objective.features(batch.at(kWholeImage));
      });
  findings.retrieval = Retrieve(objective, *split);
  findings.zero_shot = NameClasses(objective, *split);
  return findings;
}

Findings Evaluation::RawPixels(const models::Objective& objective) {
  const auto split = MakeSplit();
  if (!split || !labelled()) return {};
  Findings findings = Classify(*split, SizeOf(objective), Pixels);
  findings.health.reset();
  return findings;
}

Findings Evaluation::Classify(const Split& split, int size, const Embed& embed) {
  const auto bank = reader_.Read(training_set_, 0, split.bank, size, {}, embed);
  LabelledFeatures queries;
  if (labelled()) {
    queries = reader_.Read(query_set(), split.first_query, split.queries, size, {}, embed);
  }
  Findings findings;
  if (!reader_.first_rank()) return findings;
  findings.health = HealthOf(bank.features);
  if (!labelled() || !findings.health->finite) return findings;
  const KnnSettings& knn = settings_.eval.knn;
  const double accuracy = KnnAccuracy(bank, queries, knn.k, knn.temperature);
  if (!std::isnan(accuracy)) findings.knn = accuracy;
  findings.probe = LinearProbe(bank, queries, settings_.eval.probe);
  return findings;
}

std::optional<Retrieval> Evaluation::Retrieve(models::Objective& objective, const Split& split) {
  const auto texts = objective.inputs().texts;
  // A sample without a caption would be a bad one.
  if (texts.empty() || query_set()->Get(0).caption.empty()) return std::nullopt;
  // Token ids are exact in fp32, so that one tensor carries all three.
  int64_t dim = 0;
  const auto read = reader_.Read(
      query_set(), split.first_query, split.queries, SizeOf(objective), texts,
      [&](const models::Tensors& batch) {
        const torch::Tensor images = objective.image_embeddings(batch.at(kWholeImage));
        const torch::Tensor& tokens = batch.at(texts[0].name);
        dim = images.size(1);
        return torch::cat({images, objective.text_features(tokens), tokens.to(images.dtype())}, 1);
      });
  if (!reader_.first_rank()) return std::nullopt;
  const torch::Tensor& rows = read.features;
  return RecallOfPairs(rows.narrow(1, 0, dim), rows.narrow(1, dim, dim),
                       rows.narrow(1, 2 * dim, rows.size(1) - 2 * dim));
}

std::optional<ZeroShot> Evaluation::NameClasses(models::Objective& objective, const Split& split) {
  const auto texts = objective.inputs().texts;
  const auto names = ClassNames(zero_shot_.at("classes"));
  if (texts.empty() || names.empty() || query_set()->classes() == 0) return std::nullopt;
  const auto images = reader_.Read(query_set(), split.first_query, split.queries, SizeOf(objective),
                                   {}, [&](const models::Tensors& batch) {
                                     return objective.image_embeddings(batch.at(kWholeImage));
                                   });
  if (!reader_.first_rank()) return std::nullopt;
  const auto tokenizer = OpenTokenizer(data_);
  const auto embed = [&](const std::vector<std::string>& prompts) {
    const torch::Tensor tokens = Tokens(*tokenizer, prompts, texts[0].length);
    return objective.text_features(tokens.to(device_)).cpu();
  };
  return ZeroShotAccuracy(images, ZeroShotClassifier(names, zero_shot_.at("templates"), embed));
}

std::optional<FeatureHealth> Evaluation::Health(models::Objective& objective) {
  const int64_t count = std::min(settings_.eval.collapse.samples, reader_.Places(*training_set_));
  if (count == 0) return std::nullopt;
  const auto read = reader_.Read(training_set_, 0, count, SizeOf(objective), {},
                                 [&objective](const models::Tensors& batch) {
                                   return objective.features(batch.at(kWholeImage));
                                 });
  if (!reader_.first_rank()) return std::nullopt;
  return MeasureHealth(read.features);
}

std::vector<std::vector<torch::Tensor>> Evaluation::Pictures(models::Objective& objective) {
  const int64_t count = std::min(settings_.eval.pictures, query_set()->size());
  if (count == 0) return {};
  const auto options = EvaluationLoader(data_, settings_, objective.inputs(), count, 0, 1);
  const auto loader =
      data::MakeLoader(query_set(), options, 0, HostMemory(device_), [](const std::string&) {});
  return objective.pictures(ToTensors(loader->Next(), device_));
}

}  // namespace ocellus::trainer
