// The loss over the steps as a picture that any browser shows.
#pragma once

#include <string>

#include "worker/trainer/history.h"

namespace ocellus::trainer {

// An SVG with labelled axes: the loss of each step in pale, its running mean in strong colour;
// dashed, the loss of an encoder that knows nothing, if history has it. `title` is shown above, as
// it is.
std::string LossCurve(const History& history, const std::string& title);

}  // namespace ocellus::trainer
