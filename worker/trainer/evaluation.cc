#include "worker/trainer/evaluation.h"

#include <algorithm>
#include <cmath>

#include "worker/trainer/inputs.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kFeatureBatch = 64;  // images of a rank at a time
constexpr char kWholeImage[] = "image";

// Images of all ranks at a time.
int64_t BatchOf(const data::Dataset& dataset, int64_t world) {
  return std::clamp<int64_t>(dataset.size() / world, 1, kFeatureBatch) * world;
}

// Places of one epoch, in which no sample comes twice.
int64_t Places(const data::Dataset& dataset, int64_t world) {
  const int64_t batch = BatchOf(dataset, world);
  return dataset.size() / batch * batch;
}

// Rows of `labels` from all ranks, in rank order.
void GatherLabels(dist::Communicator& ranks, torch::Device device, const std::vector<int64_t>& mine,
                  std::vector<int64_t>* all) {
  const torch::Tensor gathered =
      ranks.all_gather(torch::tensor(mine, torch::kLong).to(device)).cpu();
  const int64_t* first = gathered.data_ptr<int64_t>();
  all->insert(all->end(), first, first + gathered.numel());
}

}  // namespace

KnnSplit SplitForKnn(int64_t available, int64_t bank, int64_t queries) {
  if (bank + queries <= available) return {bank, queries};
  const double share = static_cast<double>(queries) / static_cast<double>(bank + queries);
  const auto held_back = static_cast<int64_t>(share * static_cast<double>(available));
  return {available - held_back, held_back};
}

Evaluation::Evaluation(const nlohmann::json& training,
                       std::shared_ptr<const data::Dataset> training_set,
                       std::shared_ptr<const data::Dataset> validation_set,
                       dist::Communicator* ranks, torch::Device device)
    : data_(training.at("data")),
      settings_(ReadSettings(training)),
      training_set_(std::move(training_set)),
      validation_set_(std::move(validation_set)),
      ranks_(ranks),
      device_(device) {}

std::shared_ptr<const data::Dataset> Evaluation::query_set() const {
  return validation_set_ ? validation_set_ : training_set_;
}

std::optional<double> Evaluation::Knn(models::Objective& objective) {
  const KnnSettings& knn = settings_.eval.knn;
  if (knn.train_samples == 0 || knn.val_samples == 0) return std::nullopt;
  if (training_set_->classes() == 0 || query_set()->classes() == 0) return std::nullopt;

  const bool shared = !validation_set_;
  const int64_t world = ranks_->world(), places = Places(*training_set_, world);
  KnnSplit split{std::min(knn.train_samples, places),
                 std::min(knn.val_samples, Places(*query_set(), world))};
  if (shared) split = SplitForKnn(places, knn.train_samples, knn.val_samples);
  if (split.bank == 0 || split.queries == 0) return std::nullopt;

  const auto bank = Features(objective, training_set_, 0, split.bank);
  const auto queries = Features(objective, query_set(), shared ? split.bank : 0, split.queries);
  if (ranks_->rank() != 0) return std::nullopt;
  const double accuracy = KnnAccuracy(bank, queries, knn.k, knn.temperature);
  return std::isnan(accuracy) ? std::nullopt : std::optional(accuracy);
}

// Places [first, first + count) of the set's seeded order.
LabelledFeatures Evaluation::Features(models::Objective& objective,
                                      std::shared_ptr<const data::Dataset> dataset, int64_t first,
                                      int64_t count) {
  const int64_t batch_size = BatchOf(*dataset, ranks_->world());
  const models::InputWishes wishes{
      .views = {{.name = kWholeImage, .size = objective.inputs().views.at(0).size}}};
  const auto options =
      EvaluationLoader(data_, settings_, wishes, batch_size, ranks_->rank(), ranks_->world());
  const auto loader = data::MakeLoader(dataset, options, first / batch_size, HostMemory(device_),
                                       [](const std::string&) {});
  const int64_t skip = first % batch_size;

  std::vector<torch::Tensor> parts;
  LabelledFeatures all;
  while (static_cast<int64_t>(all.labels.size()) < skip + count) {
    const data::HostBatch batch = loader->Next();
    const auto inputs = ToTensors(batch, device_);
    parts.push_back(ranks_->all_gather(objective.features(inputs.at(kWholeImage))).cpu());
    GatherLabels(*ranks_, device_, batch.labels, &all.labels);
  }
  all.features = torch::cat(parts).narrow(0, skip, count).contiguous();
  all.labels = {all.labels.begin() + skip, all.labels.begin() + skip + count};
  return all;
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
