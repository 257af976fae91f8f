#include "worker/trainer/replay_batch.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "models/weights/weights.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using Shape = std::vector<int64_t>;

constexpr int64_t kAny = -1;

struct Wish {
  Shape shape;  // behind the batch dimension
  torch::ScalarType type = torch::kFloat32;
  int64_t limit = 0;  // of int64 values: they are in [0, limit)
  bool optional = false;
};

// What may be in the file, by name. `samples` is the limit of what counts them.
std::map<std::string, Wish> WishesByName(const models::InputWishes& wishes, int64_t samples) {
  std::map<std::string, Wish> by_name;
  for (const auto& view : wishes.views) {
    const int64_t size = view.any_size ? kAny : view.size;
    by_name[view.name] = {{3, size, size}};
  }
  for (const auto& draw : wishes.draws) by_name[draw.name] = {{draw.count}};
  for (const auto& text : wishes.texts) {
    by_name[text.name] = {{text.length}, torch::kInt64, text.vocabulary};
  }
  for (const auto& replay : wishes.replay) {
    // Of indices there are no more than other samples.
    const int64_t count = std::min(replay.count, std::max<int64_t>(samples - 1, 1));
    by_name[replay.name] = {{count}, torch::kInt64, samples, /*optional=*/true};
  }
  return by_name;
}

bool Fits(at::IntArrayRef sizes, const Shape& shape) {
  bool fits = sizes.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) {
    fits = shape[i] == kAny ? sizes[i] > 0 : sizes[i] == shape[i];
  }
  return fits;
}

std::string ShapeText(at::IntArrayRef sizes, const char* first) {
  std::ostringstream text;
  text << "[" << first;
  for (const int64_t size : sizes) {
    text << (text.str().size() > 1 ? ", " : "") << (size == kAny ? "any" : std::to_string(size));
  }
  return text.str() + "]";
}

class Complaints {
 public:
  void Add(const std::string& name, const std::string& what) {
    text_ += (text_.empty() ? "" : "; ") + name + " " + what;
  }
  void ThrowIfAny(const std::string& path) const {
    if (text_.empty()) return;
    throw wire::Fault(wire::FaultClass::kUser, "BAD_BATCH", path + ": " + text_);
  }

 private:
  std::string text_;
};

// What is wrong with the tensor, or nothing.
std::string Complaint(const torch::Tensor& tensor, const Wish& wish, int64_t samples) {
  Shape shape{samples};
  shape.insert(shape.end(), wish.shape.begin(), wish.shape.end());
  if (!Fits(tensor.sizes(), shape)) {
    return "has shape " + ShapeText(tensor.sizes(), "") + ", expected " +
           ShapeText(wish.shape, "N") + " with the same N for all";
  }
  if (tensor.scalar_type() != wish.type) {
    return wish.type == torch::kInt64 ? "is not I64" : "is not F32";
  }
  if (wish.type != torch::kInt64 || tensor.numel() == 0) return "";
  const auto low = tensor.min().item<int64_t>(), high = tensor.max().item<int64_t>();
  if (low >= 0 && high < wish.limit) return "";
  return "holds " + std::to_string(low < 0 ? low : high) + ", outside of [0, " +
         std::to_string(wish.limit) + ")";
}

void CheckTensors(const std::string& path, const models::Tensors& given,
                  const std::map<std::string, Wish>& wished, int64_t samples) {
  Complaints complaints;
  for (const auto& [name, wish] : wished) {
    const auto found = given.find(name);
    if (found == given.end()) {
      if (!wish.optional) complaints.Add(name, "is missing");
      continue;
    }
    const std::string complaint = Complaint(found->second, wish, samples);
    if (!complaint.empty()) complaints.Add(name, complaint);
  }
  for (const auto& [name, tensor] : given) {
    if (!wished.contains(name)) complaints.Add(name, "is unexpected");
  }
  complaints.ThrowIfAny(path);
}

}  // namespace

ReplayBatch ReadReplayBatch(const std::string& path, const models::InputWishes& wishes, int rank,
                            int world, int64_t accumulate, torch::Device device) {
  const models::Tensors given = models::weights::ReadFile(path);
  ReplayBatch batch;
  for (const auto& [name, wish] : WishesByName(wishes, 0)) {
    const auto found = given.find(name);
    if (found != given.end() && found->second.dim() > 0) batch.samples = found->second.size(0);
  }
  CheckTensors(path, given, WishesByName(wishes, batch.samples), batch.samples);
  if (batch.samples == 0 || batch.samples % (world * accumulate) != 0) {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_BATCH",
                      path + ": " + std::to_string(batch.samples) +
                          " samples do not divide over --ranks " + std::to_string(world) +
                          " and batch.accumulate " + std::to_string(accumulate));
  }

  const int64_t part = batch.samples / (world * accumulate);
  for (int64_t micro = 0; micro < accumulate; ++micro) {
    models::Tensors inputs;
    for (const auto& [name, tensor] : given) {
      inputs[name] = tensor.narrow(0, (rank * accumulate + micro) * part, part).to(device).clone();
    }
    batch.micro_batches.push_back(std::move(inputs));
  }
  return batch;
}

}  // namespace ocellus::trainer
