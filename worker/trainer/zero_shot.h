// Naming what images show by the names of the classes alone.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "worker/trainer/findings.h"
#include "worker/trainer/knn.h"

namespace ocellus::trainer {

// [texts, dim]: where texts lie among the images' embeddings.
using EmbedTexts = std::function<torch::Tensor(const std::vector<std::string>& texts)>;

// The names of the classes, number by number: a list, or the lines of the file that a string names.
// Throws wire::Fault (user) for a file that is not there. Empty for an empty string.
std::vector<std::string> ClassNames(const nlohmann::json& classes);

// [classes, dim]: for each class the mean direction of its texts ("{}" of each template becomes the
// name), as openai/CLIP makes its classifier.
torch::Tensor ZeroShotClassifier(const std::vector<std::string>& names,
                                 const std::vector<std::string>& templates,
                                 const EmbedTexts& embed);

// Share of the labelled `images` (embeddings [n, dim]) whose class is the best, and is among the
// best five, by cosine. Labels beyond the classifier's are never right.
ZeroShot ZeroShotAccuracy(const LabelledFeatures& images, const torch::Tensor& classifier);

}  // namespace ocellus::trainer
