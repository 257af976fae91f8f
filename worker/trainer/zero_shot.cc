#include "worker/trainer/zero_shot.h"

#include <algorithm>
#include <fstream>
#include <tuple>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

torch::Tensor Directions(const torch::Tensor& rows) {
  const auto options = torch::nn::functional::NormalizeFuncOptions().dim(1);
  return torch::nn::functional::normalize(rows.to(torch::kFloat32), options);
}

std::string Filled(std::string text, const std::string& name) {
  return text.replace(text.find("{}"), 2, name);
}

}  // namespace

std::vector<std::string> ClassNames(const nlohmann::json& classes) {
  if (classes.is_array()) return classes.get<std::vector<std::string>>();
  const auto path = classes.get<std::string>();
  std::vector<std::string> names;
  if (path.empty()) return names;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    names.push_back(line);
  }
  if (names.empty()) {
    throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                      "eval.zero_shot.classes: " + path + " cannot be read or is empty",
                      "give a file with one class name a line, or a list of names");
  }
  return names;
}

torch::Tensor ZeroShotClassifier(const std::vector<std::string>& names,
                                 const std::vector<std::string>& templates,
                                 const EmbedTexts& embed) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> rows;
  for (const std::string& name : names) {
    std::vector<std::string> texts;
    for (const std::string& text : templates) texts.push_back(Filled(text, name));
    rows.push_back(Directions(embed(texts)).mean(0));
  }
  return Directions(torch::stack(rows));
}

ZeroShot ZeroShotAccuracy(const LabelledFeatures& images, const torch::Tensor& classifier) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor labels = torch::tensor(images.labels, torch::kLong);
  const torch::Tensor chosen = labels.ge(0).nonzero().flatten();
  const torch::Tensor scores =
      Directions(images.features.index_select(0, chosen)).mm(classifier.t());
  const int64_t shown = std::min<int64_t>(5, classifier.size(0));
  const torch::Tensor best = std::get<1>(scores.topk(shown, 1));
  const torch::Tensor right = best.eq(labels.index_select(0, chosen).unsqueeze(1));
  return {right.select(1, 0).to(torch::kDouble).mean().item<double>(),
          right.any(1).to(torch::kDouble).mean().item<double>()};
}

}  // namespace ocellus::trainer
