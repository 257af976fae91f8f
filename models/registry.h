// Objectives by name: how a method gets into the program without anyone listing it.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "models/objective.h"

namespace ocellus::models {

// Builds an objective from the whole resolved training document.
using ObjectiveFactory =
    std::function<std::unique_ptr<Objective>(const nlohmann::json& document, torch::Device device)>;

// One static instance a method, in its own .cc: the name is the key under "objective". A second one
// of the same name aborts the program.
class RegisterObjective {
 public:
  RegisterObjective(const std::string& name, ObjectiveFactory factory);
};

// Names in byte order.
std::vector<std::string> ObjectiveNames();

}  // namespace ocellus::models
