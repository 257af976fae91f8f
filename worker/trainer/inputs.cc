#include "worker/trainer/inputs.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "models/ops/augment.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kLookedForMasks = 64;  // samples

std::vector<std::string> Sources(const nlohmann::json& value) {
  if (value.is_array()) return value.get<std::vector<std::string>>();
  const auto source = value.get<std::string>();
  return source.empty() ? std::vector<std::string>{} : std::vector<std::string>{source};
}

std::shared_ptr<const data::Dataset> Open(const nlohmann::json& data, const char* key, bool masks,
                                          const OnWarning& on_warning) {
  data::DatasetOptions options;
  options.sources = Sources(data.at(key));
  options.max_pixels = data.at("max_pixels");
  options.masks = masks;
  // Documents of an earlier release have no such section.
  const nlohmann::json cache = data.value("cache", nlohmann::json::object());
  options.store.cache_folder = cache.value("folder", options.store.cache_folder);
  options.store.cache_bytes_max = cache.value("max_bytes", options.store.cache_bytes_max);
  options.store.read_ahead = cache.value("read_ahead", options.store.read_ahead);
  options.store.connections = cache.value("connections", options.store.connections);
  options.on_warning = on_warning;
  return options.sources.empty() ? nullptr : data::OpenDataset(options);
}

// Whether any view may want a sample's mask.
bool WantsMasks(const nlohmann::json& augment) {
  if (augment.at("remove_background") > 0) return true;
  for (const auto& kind : augment.at("views")) {
    if (kind.value("remove_background", 0.0) > 0) return true;
  }
  return false;
}

data::Backend BackendOf(const std::string& name) {
  if (name == "device") return data::Backend::kDevice;
  return name == "fast" ? data::Backend::kFast : data::Backend::kReference;
}

data::ColourOptions Colours(const nlohmann::json& augment) {
  data::ColourOptions colours;
  colours.style = augment.at("style") == "byol" ? data::Style::kByol : data::Style::kTorchvision;
  colours.backend = BackendOf(augment.at("backend"));
  colours.color_jitter = augment.at("color_jitter");
  colours.brightness = augment.at("brightness");
  colours.contrast = augment.at("contrast");
  colours.saturation = augment.at("saturation");
  colours.hue = augment.at("hue");
  colours.grayscale = augment.at("grayscale");
  colours.blur = augment.at("blur");
  colours.blur_sigma = augment.at("blur_sigma").get<std::array<double, 2>>();
  colours.solarize = augment.at("solarize");
  colours.solarize_threshold = augment.at("solarize_threshold");
  colours.remove_background = augment.at("remove_background");
  return colours;
}

// "data.augment" with what holds for views of `kind` in its place.
data::ViewOptions Augmented(nlohmann::json augment, const std::string& kind) {
  const nlohmann::json kinds = augment.at("views");
  if (kinds.contains(kind)) augment.update(kinds.at(kind));
  data::ViewOptions view;
  view.crop_scale = augment.at("crop_scale").get<std::array<double, 2>>();
  view.crop_ratio = augment.at("crop_ratio").get<std::array<double, 2>>();
  view.interpolation = augment.at("interpolation") == "bilinear" ? data::Interpolation::kBilinear
                                                                 : data::Interpolation::kBicubic;
  view.flip = augment.at("flip");
  view.colours = Colours(augment);
  view.mean = augment.at("mean").get<std::array<float, 3>>();
  view.std = augment.at("std").get<std::array<float, 3>>();
  return view;
}

void CheckVocabulary(const models::TextWish& wish) {
  if (wish.vocabulary >= data::Tokenizer::kVocabulary) return;
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    "the text tower knows " + std::to_string(wish.vocabulary) +
                        " token ids (vocab_size), the tokenizer makes " +
                        std::to_string(data::Tokenizer::kVocabulary),
                    "give vocab_size: " + std::to_string(data::Tokenizer::kVocabulary));
}

data::LoaderOptions Options(const nlohmann::json& data, const Settings& settings,
                            const models::InputWishes& wishes) {
  data::LoaderOptions options;
  options.seed = settings.seed;
  options.threads = data.at("threads");
  options.prefetch = data.at("prefetch");
  options.max_bad_samples = data.at("max_bad_samples");
  for (const auto& wish : wishes.views) {
    options.views.push_back(Augmented(data.at("augment"), wish.kind));
    options.views.back().name = wish.name;
    options.views.back().size = wish.size;
  }
  for (const auto& wish : wishes.draws) options.draws.push_back({wish.name, wish.count});
  for (const auto& wish : wishes.texts) {
    CheckVocabulary(wish);
    options.texts.push_back({wish.name, wish.length});
  }
  if (!wishes.texts.empty()) options.tokenizer = OpenTokenizer(data);
  return options;
}

// `values` as a tensor that keeps them. What is copied to a GPU without a wait is a whole piece of
// torch's pinned memory (HostMemory): torch notes the copy's stream with that memory's allocator,
// which finds the piece by its first address (not by one inside it), and gives it out again only
// when the stream has passed the copy. So tensor and batch may go at once.
torch::Tensor Shared(const std::shared_ptr<void>& values, at::IntArrayRef shape,
                     torch::ScalarType type) {
  return torch::from_blob(
      values.get(), shape, [values](void*) {}, type);
}

torch::Tensor Made(const data::HostViews& host, torch::Device device) {
  models::ops::UndoneViews undone{.views = host.records,
                                  .size = host.options.size,
                                  .mean = host.options.mean,
                                  .std = host.options.std};
  for (const auto& [memory, words] : host.words->pieces()) {
    undone.words.push_back(Shared(memory, {words}, torch::kInt32));
  }
  return models::ops::Augment(undone, device, torch::kFloat32);
}

}  // namespace

std::shared_ptr<const data::Dataset> OpenTrainingSet(const nlohmann::json& data,
                                                     const OnWarning& on_warning) {
  return Open(data, "train", WantsMasks(data.at("augment")), on_warning);
}

std::shared_ptr<const data::Dataset> OpenValidationSet(const nlohmann::json& data,
                                                       const OnWarning& on_warning) {
  return Open(data, "val", /*masks=*/false, on_warning);
}

std::optional<std::string> MissingMasks(const nlohmann::json& data,
                                        const data::Dataset& training_set) {
  if (!WantsMasks(data.at("augment"))) return std::nullopt;
  const int64_t looked = std::min(kLookedForMasks, training_set.size());
  for (int64_t i = 0; i < looked; ++i) {
    if (!training_set.Get(i * training_set.size() / looked).mask.empty()) return std::nullopt;
  }
  return "data.augment.remove_background is above 0, but none of " + std::to_string(looked) +
         " samples looked at has a mask: no background is removed; put <name>.mask.png beside "
         "each image (`ocellus-pack demo --masks` shows how), or set remove_background to 0";
}

std::shared_ptr<const data::Tokenizer> OpenTokenizer(const nlohmann::json& data) {
  static std::map<std::string, std::shared_ptr<const data::Tokenizer>> open;
  static std::mutex mutex;
  std::string path;
  if (data.contains("text")) path = data["text"].value("vocabulary", "");
  const std::lock_guard lock(mutex);
  auto& tokenizer = open[path];
  if (tokenizer == nullptr) tokenizer = std::make_shared<const data::Tokenizer>(path);
  return tokenizer;
}

data::LoaderOptions TrainingLoader(const nlohmann::json& data, const Settings& settings,
                                   const models::InputWishes& wishes, int rank, int world) {
  auto options = Options(data, settings, wishes);
  options.global_batch = settings.global_batch;
  options.accumulate = settings.accumulate;
  options.rank = rank;
  options.world = world;
  return options;
}

data::LoaderOptions EvaluationLoader(const nlohmann::json& data, const Settings& settings,
                                     const models::InputWishes& wishes, int64_t global_batch,
                                     int rank, int world) {
  auto options = Options(data, settings, wishes);
  for (auto& view : options.views) view.random = false;
  options.global_batch = global_batch;
  options.rank = rank;
  options.world = world;
  return options;
}

data::Allocate HostMemory(torch::Device device) {
  const auto options = torch::TensorOptions().dtype(torch::kByte).pinned_memory(device.is_cuda());
  return [options](size_t bytes) {
    torch::Tensor memory = torch::empty({static_cast<int64_t>(bytes)}, options);
    return std::shared_ptr<std::byte[]>(static_cast<std::byte*>(memory.data_ptr()),
                                        [memory](std::byte*) {});
  };
}

checkpoint::Allocate SnapshotMemory(torch::Device device) {
  return device.is_cuda() ? checkpoint::Allocate(HostMemory(device)) : checkpoint::AllocatePages;
}

models::Tensors ToTensors(const data::HostBatch& batch, torch::Device device) {
  models::Tensors tensors;
  for (const auto& [name, host] : batch.tensors) {
    const torch::Tensor tensor = Shared(host.values, host.shape, torch::kFloat32);
    tensors[name] = device.is_cuda() ? tensor.to(device, /*non_blocking=*/true) : tensor;
  }
  for (const auto& [name, host] : batch.undone) tensors[name] = Made(host, device);
  for (const auto& [name, host] : batch.tokens) {
    const torch::Tensor tensor = Shared(host.values, host.shape, torch::kInt64);
    // Pinned, since a copy from other memory waits for the device.
    tensors[name] =
        device.is_cuda() ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor;
  }
  return tensors;
}

}  // namespace ocellus::trainer
