// What people see of a run: loss curve, reconstructions, what the features know against the random
// start, and the alarm when they collapse.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/objective.h"
#include "worker/trainer/artifacts.h"
#include "worker/trainer/collapse_alarm.h"
#include "worker/trainer/evaluation.h"
#include "worker/trainer/history.h"

namespace ocellus::trainer {

// All ranks call the same functions at the same steps; rank 0 publishes.
class Showcase {
 public:
  // `artifacts` is null on ranks other than 0. Nothing is owned.
  Showcase(const nlohmann::json& training, const std::string& job_name, Evaluation* evaluation,
           Artifacts* artifacts, Reporter* reporter);

  // Looks at `objective` after `step` steps: pictures, findings as metrics, the alarm.
  void Look(models::Objective& objective, int64_t step);

  // The alarm alone: cheaper than a look.
  void CheckHealth(models::Objective& objective, int64_t step);

  // The last look: also evaluation.json, knn.json and the grid of start against end. The start is
  // the model with the seed's random values; it is made again when this process has not seen it
  // (the run was resumed, or began with given weights).
  void Conclude(models::Objective& objective, int64_t step, torch::Device device);

  // history.jsonl and loss.svg. Rank 0 alone.
  void PublishCurve(const History& history) { CurveOf(history)(); }
  // What publishes the curve as it is now, from any thread.
  std::function<void()> CurveOf(const History& history);

  // The newest findings of the trained model, by their names as metrics.
  const std::map<std::string, double>& latest() const { return latest_; }

 private:
  using PictureSet = std::vector<std::vector<torch::Tensor>>;
  struct View {
    Findings findings;
    PictureSet pictures;
  };

  View LookAt(models::Objective& objective);
  void TellFindings(const Findings& findings, const std::string& suffix, int64_t step);
  void LogFindings(const Findings& findings, int64_t step);
  void JudgeHealth(const std::optional<FeatureHealth>& health, int64_t step);
  void PublishPictures(const PictureSet& pictures, int64_t step);
  void PublishComparison(const PictureSet& start, const PictureSet& end);
  void PublishFindings(const Findings& start, const Findings& end, const Findings& pixels,
                       int64_t step);

  nlohmann::json training_;
  std::string job_name_;
  Evaluation* evaluation_;
  Artifacts* artifacts_;
  Reporter* reporter_;
  CollapseAlarm alarm_;
  std::optional<View> start_;
  std::map<std::string, double> latest_;
};

}  // namespace ocellus::trainer
