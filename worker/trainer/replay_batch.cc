#include "worker/trainer/replay_batch.h"

#include <map>
#include <sstream>

#include "models/weights/weights.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using Shape = std::vector<int64_t>;

constexpr int64_t kAny = -1;

// Wished tensors and their shape behind the batch dimension.
std::map<std::string, Shape> WishedShapes(const models::InputWishes& wishes) {
  std::map<std::string, Shape> shapes;
  for (const auto& view : wishes.views) {
    const int64_t size = view.any_size ? kAny : view.size;
    shapes[view.name] = {3, size, size};
  }
  for (const auto& draw : wishes.draws) shapes[draw.name] = {draw.count};
  return shapes;
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

void CheckTensors(const std::string& path, const models::Tensors& given,
                  const std::map<std::string, Shape>& wished, int64_t samples) {
  Complaints complaints;
  for (const auto& [name, rest] : wished) {
    const auto found = given.find(name);
    if (found == given.end()) {
      complaints.Add(name, "is missing");
      continue;
    }
    const torch::Tensor& tensor = found->second;
    Shape shape{samples};
    shape.insert(shape.end(), rest.begin(), rest.end());
    if (!Fits(tensor.sizes(), shape)) {
      complaints.Add(name, "has shape " + ShapeText(tensor.sizes(), "") + ", expected " +
                               ShapeText(rest, "N") + " with the same N for all");
    } else if (tensor.scalar_type() != torch::kFloat32) {
      complaints.Add(name, "is not F32");
    }
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
  const auto wished = WishedShapes(wishes);
  ReplayBatch batch;
  for (const auto& [name, tensor] : given) {
    if (wished.contains(name) && tensor.dim() > 0) batch.samples = tensor.size(0);
  }
  CheckTensors(path, given, wished, batch.samples);
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
