#include "worker/trainer/feature_reader.h"

#include <algorithm>

#include "worker/trainer/inputs.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kFeatureBatch = 64;  // images of a rank at a time

// Rows of `labels` from all ranks, in rank order.
void GatherLabels(dist::Communicator& ranks, torch::Device device, const std::vector<int64_t>& mine,
                  std::vector<int64_t>* all) {
  const torch::Tensor gathered =
      ranks.all_gather(torch::tensor(mine, torch::kLong).to(device)).cpu();
  const int64_t* first = gathered.data_ptr<int64_t>();
  all->insert(all->end(), first, first + gathered.numel());
}

}  // namespace

FeatureReader::FeatureReader(const nlohmann::json& data, const Settings& settings,
                             dist::Communicator* ranks, torch::Device device)
    : data_(data), settings_(settings), ranks_(ranks), device_(device) {}

// Images of all ranks at a time.
int64_t FeatureReader::BatchOf(const data::Dataset& dataset) const {
  const int64_t world = ranks_->world();
  return std::clamp<int64_t>(dataset.size() / world, 1, kFeatureBatch) * world;
}

int64_t FeatureReader::Places(const data::Dataset& dataset) const {
  const int64_t batch = BatchOf(dataset);
  return dataset.size() / batch * batch;
}

LabelledFeatures FeatureReader::Read(std::shared_ptr<const data::Dataset> dataset, int64_t first,
                                     int64_t count, int size,
                                     const std::vector<models::TextWish>& texts,
                                     const Embed& embed) const {
  const int64_t batch_size = BatchOf(*dataset), skip = first % batch_size;
  const models::InputWishes wishes{.views = {{.name = kWholeImage, .size = size}}, .texts = texts};
  const auto options =
      EvaluationLoader(data_, settings_, wishes, batch_size, ranks_->rank(), ranks_->world());
  const auto loader = data::MakeLoader(dataset, options, first / batch_size, HostMemory(device_),
                                       [](const std::string&) {});

  std::vector<torch::Tensor> parts;
  LabelledFeatures all;
  while (static_cast<int64_t>(all.labels.size()) < skip + count) {
    const data::HostBatch batch = loader->Next();
    parts.push_back(ranks_->all_gather(embed(ToTensors(batch, device_)).contiguous()).cpu());
    GatherLabels(*ranks_, device_, batch.labels, &all.labels);
  }
  all.features = torch::cat(parts).narrow(0, skip, count).contiguous();
  all.labels = {all.labels.begin() + skip, all.labels.begin() + skip + count};
  return all;
}

}  // namespace ocellus::trainer
