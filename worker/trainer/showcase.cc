#include "worker/trainer/showcase.h"

#include <cstdio>

#include "worker/trainer/initial_state.h"
#include "worker/trainer/loss_curve.h"
#include "worker/trainer/picture_grid.h"

namespace ocellus::trainer {
namespace {

// The `kind`-th picture of every image as one row of a grid.
PictureRow Row(const std::string& label, const std::vector<std::vector<torch::Tensor>>& pictures,
               size_t kind) {
  PictureRow row{label, {}};
  for (const auto& of_image : pictures) row.pictures.push_back(of_image.at(kind));
  return row;
}

std::string PictureName(int64_t step) {
  char name[64];
  std::snprintf(name, sizeof(name), "reconstruction-%09lld.png", static_cast<long long>(step));
  return name;
}

nlohmann::json OrNull(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

}  // namespace

Showcase::Showcase(const nlohmann::json& training, const std::string& job_name,
                   Evaluation* evaluation, Artifacts* artifacts, Reporter* reporter)
    : training_(training),
      job_name_(job_name),
      evaluation_(evaluation),
      artifacts_(artifacts),
      reporter_(reporter),
      alarm_(ReadSettings(training).eval.collapse) {}

Showcase::View Showcase::LookAt(models::Objective& objective) {
  View view;
  view.findings = evaluation_->Look(objective);
  if (artifacts_) view.pictures = evaluation_->Pictures(objective);
  return view;
}

void Showcase::Look(models::Objective& objective, int64_t step) {
  const bool random = step == 0 && training_["init"]["weights"] == "";
  View view = LookAt(objective);
  TellFindings(view.findings, random ? "_init" : "", step);
  LogFindings(view.findings, step);
  JudgeHealth(view.findings.health, step);
  PublishPictures(view.pictures, step);
  if (random) start_ = std::move(view);
}

void Showcase::CheckHealth(models::Objective& objective, int64_t step) {
  const auto health = evaluation_->Health(objective);
  TellFindings({.health = health}, "", step);
  JudgeHealth(health, step);
}

void Showcase::Conclude(models::Objective& objective, int64_t step, torch::Device device) {
  if (!start_) {
    start_ = LookAt(*MakeRandomObjective(training_, device));
    TellFindings(start_->findings, "_init", 0);
  }
  const View end = LookAt(objective);
  const Findings pixels = evaluation_->RawPixels(objective);
  TellFindings(end.findings, "", step);
  LogFindings(end.findings, step);
  TellFindings(pixels, "_pixels", step);
  JudgeHealth(end.findings.health, step);
  PublishPictures(end.pictures, step);
  PublishComparison(start_->pictures, end.pictures);
  PublishFindings(start_->findings, end.findings, pixels, step);
}

void Showcase::TellFindings(const Findings& findings, const std::string& suffix, int64_t step) {
  EachMetric(findings, suffix, [&](const std::string& name, double value) {
    reporter_->Tell(wire::Metric{name, value, step});
    if (suffix.empty()) latest_[name] = value;
  });
}

void Showcase::LogFindings(const Findings& findings, int64_t step) {
  const std::string line = FindingsLine(findings);
  if (!line.empty())
    reporter_->Log("info", "evaluation, step " + std::to_string(step) + ": " + line);
}

// Rank 0 alone has a health to judge.
void Showcase::JudgeHealth(const std::optional<FeatureHealth>& health, int64_t step) {
  if (!health || training_["eval"]["collapse"]["samples"] == 0) return;
  if (const auto alarm = alarm_.Judge(*health, step)) {
    reporter_->Tell(wire::Alarm{"collapse", step, *alarm});
    reporter_->Log("warning", *alarm);
  }
  reporter_->Tell(wire::Metric{"collapsed", alarm_.collapsed() ? 1.0 : 0.0, step});
}

void Showcase::PublishPictures(const PictureSet& pictures, int64_t step) {
  if (pictures.empty()) return;
  const std::vector<PictureRow> rows{Row("original", pictures, 0), Row("masked", pictures, 1),
                                     Row("step " + std::to_string(step), pictures, 2)};
  artifacts_->PutLater("reconstruction", PictureName(step), PictureGrid(rows));
}

void Showcase::PublishComparison(const PictureSet& start, const PictureSet& end) {
  if (end.empty()) return;
  const std::vector<PictureRow> rows{Row("original", end, 0), Row("masked", end, 1),
                                     Row("start", start, 2), Row("end", end, 2)};
  artifacts_->Put("reconstruction", "reconstruction-start-end.png", PictureGrid(rows));
}

void Showcase::PublishFindings(const Findings& start, const Findings& end, const Findings& pixels,
                               int64_t step) {
  const bool any = end.knn || end.health;
  if (!artifacts_ || !any) return;
  const nlohmann::ordered_json all = {{"step", step},
                                      {"trained", ToJson(end)},
                                      {"random", ToJson(start)},
                                      {"pixels", ToJson(pixels)}};
  artifacts_->Put("evaluation", "evaluation.json", all.dump(2) + "\n");
  if (!end.knn) return;
  const nlohmann::ordered_json knn = {{"step", step},
                                      {"accuracy", OrNull(end.knn)},
                                      {"accuracy_init", OrNull(start.knn)},
                                      {"k", training_["eval"]["knn"]["k"]},
                                      {"temperature", training_["eval"]["knn"]["temperature"]}};
  artifacts_->Put("knn", "knn.json", knn.dump(2) + "\n");
}

std::function<void()> Showcase::CurveOf(const History& history) {
  return [artifacts = artifacts_, text = history.ToText(), curve = LossCurve(history, job_name_)] {
    artifacts->Put("history", "history.jsonl", text);
    artifacts->Put("loss_curve", "loss.svg", curve);
  };
}

}  // namespace ocellus::trainer
