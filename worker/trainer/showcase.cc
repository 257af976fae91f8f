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
      reporter_(reporter) {}

Showcase::View Showcase::LookAt(models::Objective& objective) {
  View view;
  view.knn = evaluation_->Knn(objective);
  if (artifacts_) view.pictures = evaluation_->Pictures(objective);
  return view;
}

void Showcase::Look(models::Objective& objective, int64_t step) {
  const bool random = step == 0 && training_["init"]["weights"] == "";
  View view = LookAt(objective);
  TellKnn(random ? "knn_accuracy_init" : "knn_accuracy", view, step);
  PublishPictures(view.pictures, step);
  if (random) start_ = std::move(view);
}

void Showcase::Conclude(models::Objective& objective, int64_t step, torch::Device device) {
  if (!start_) {
    start_ = LookAt(*MakeRandomObjective(training_, device));
    TellKnn("knn_accuracy_init", *start_, 0);
  }
  const View end = LookAt(objective);
  TellKnn("knn_accuracy", end, step);
  PublishPictures(end.pictures, step);
  PublishComparison(start_->pictures, end.pictures);
  PublishKnn(*start_, end, step);
}

void Showcase::TellKnn(const char* name, const View& view, int64_t step) {
  if (view.knn) reporter_->Tell(wire::Metric{name, *view.knn, step});
}

void Showcase::PublishPictures(const PictureSet& pictures, int64_t step) {
  if (pictures.empty()) return;
  const std::vector<PictureRow> rows{Row("original", pictures, 0), Row("masked", pictures, 1),
                                     Row("step " + std::to_string(step), pictures, 2)};
  artifacts_->Put("reconstruction", PictureName(step), PictureGrid(rows));
}

void Showcase::PublishComparison(const PictureSet& start, const PictureSet& end) {
  if (end.empty()) return;
  const std::vector<PictureRow> rows{Row("original", end, 0), Row("masked", end, 1),
                                     Row("start", start, 2), Row("end", end, 2)};
  artifacts_->Put("reconstruction", "reconstruction-start-end.png", PictureGrid(rows));
}

void Showcase::PublishKnn(const View& start, const View& end, int64_t step) {
  if (!artifacts_ || !end.knn) return;
  const nlohmann::ordered_json knn = {{"step", step},
                                      {"accuracy", OrNull(end.knn)},
                                      {"accuracy_init", OrNull(start.knn)},
                                      {"k", training_["eval"]["knn"]["k"]},
                                      {"temperature", training_["eval"]["knn"]["temperature"]}};
  artifacts_->Put("knn", "knn.json", knn.dump(2) + "\n");
}

void Showcase::PublishCurve(const History& history) {
  artifacts_->Put("history", "history.jsonl", history.ToText());
  artifacts_->Put("loss_curve", "loss.svg", LossCurve(history, job_name_));
}

}  // namespace ocellus::trainer
