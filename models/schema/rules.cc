#include <algorithm>

#include "models/schema/check.h"

namespace ocellus::schema {
namespace {

using nlohmann::json;

constexpr int64_t kTokens = 49408;  // of CLIP's tokenizer, data::Tokenizer::kVocabulary

constexpr int64_t kSizeMax = int64_t{1} << 31;  // no key may be so large

// The integer at `pointer`, or 0 where it was reported: not there, no integer, out of range.
int64_t Size(const json& doc, const std::string& pointer) {
  json::json_pointer at(pointer);
  if (!doc.contains(at) || !doc[at].is_number_integer()) return 0;
  const auto size = doc[at].get<int64_t>();
  return size > 0 && size < kSizeMax ? size : 0;
}

double Number(const json& doc, const std::string& pointer, double otherwise) {
  json::json_pointer at(pointer);
  return doc.contains(at) && doc[at].is_number() ? doc[at].get<double>() : otherwise;
}

std::string Text(int64_t value) { return std::to_string(value); }

// `table`: whether its positions are sines and cosines, which come by fours.
void CheckWidth(const json& doc, const std::string& pointer, const std::string& path, bool table,
                Reporter* reporter) {
  int64_t dim = Size(doc, pointer + "/dim");
  int64_t heads = Size(doc, pointer + "/heads");
  if (dim == 0) return;
  if (heads > 0 && dim % heads != 0) {
    reporter->Add(path + ".heads", Text(heads) + " heads do not divide dim " + Text(dim),
                  "give a number of heads that divides it");
  }
  if (table && dim % 4 != 0) {
    reporter->Add(path + ".dim", Text(dim) + " is not divisible by 4",
                  "the sine-cosine position table needs it");
  }
}

void CheckPatches(const json& doc, Reporter* reporter) {
  int64_t image = Size(doc, "/model/vit/image_size");
  int64_t patch = Size(doc, "/model/vit/patch_size");
  if (image == 0 || patch == 0) return;
  if (image % patch != 0) {
    reporter->Add("model.vit.patch_size",
                  Text(patch) + " does not divide image_size " + Text(image),
                  "give a patch_size that divides it");
    return;
  }
  double ratio = Number(doc, "/objective/mae/mask_ratio", 0);
  int64_t patches = (image / patch) * (image / patch);
  auto kept = static_cast<int64_t>(static_cast<double>(patches) * (1 - ratio));
  bool has_mask = ratio > 0 && ratio < 1;
  if (has_mask && (kept == 0 || kept == patches)) {
    reporter->Add(
        "objective.mae.mask_ratio",
        "of " + Text(patches) + " patches " + Text(kept) + " stay visible",
        "at least one must stay and one be hidden: change mask_ratio, image_size or patch_size");
  }
}

// The section of the one optimizer, as a pointer.
std::string OptimizerAt(const json& doc) {
  const auto section = doc.find("optimizer");
  bool named = section != doc.end() && section->is_object() && section->size() == 1;
  return named ? "/optimizer/" + section->begin().key() : "/optimizer";
}

void CheckSchedule(const json& doc, Use use, Reporter* reporter) {
  for (const char* unit : {"steps", "epochs"}) {
    std::string total = unit == std::string("steps") ? "total_steps" : "epochs";
    std::string warmup = std::string("warmup_") + unit;
    double all = Number(doc, "/schedule/" + total, 0);
    double warm = Number(doc, "/schedule/" + warmup, 0);
    if (all > 0 && warm > all) {
      reporter->Add("schedule." + warmup,
                    doc["schedule"][warmup].dump() + " is more than " + total + " " +
                        doc["schedule"][total].dump(),
                    "a warm-up is a part of the run");
    }
  }
  double lr = Number(doc, OptimizerAt(doc) + "/lr", -1);
  double min_lr = Number(doc, "/schedule/min_lr", 0);
  if (use == Use::kJob && lr >= 0 && min_lr > lr) {
    reporter->Add("schedule.min_lr",
                  doc["schedule"]["min_lr"].dump() + " is above the learning rate",
                  "the cosine goes down to it");
  }
}

void CheckStem(const json& doc, Reporter* reporter) {
  const json::json_pointer stem("/model/vit/stem");
  if (!doc.contains(stem) || doc[stem] != "conv") return;
  for (const char* objective : {"mae", "clip"}) {
    if (!doc.contains(json::json_pointer(std::string("/objective/") + objective))) continue;
    reporter->Add("model.vit.stem", std::string("the objective ") + objective + " has no conv stem",
                  "leave the key out, or give the objective mocov3");
  }
  if (Size(doc, "/model/vit/patch_size") != 16 || Size(doc, "/model/vit/dim") % 8 != 0) {
    reporter->Add("model.vit.stem", "conv needs a patch_size of 16 and a dim divisible by 8",
                  "change them, or leave the key out");
  }
}

void CheckResNet(const json& doc, Reporter* reporter) {
  const json::json_pointer at("/model/resnet");
  if (!doc.contains(at) || !doc[at].is_object()) return;
  const json& resnet = doc[at];
  int64_t depth = Size(doc, "/model/resnet/depth");
  static const std::vector<int64_t> known = {18, 34, 50, 101, 152, 200};
  if (depth > 0 && std::find(known.begin(), known.end(), depth) == known.end()) {
    reporter->Add("model.resnet.depth", Text(depth) + " layers are no published network",
                  "give 18, 34, 50, 101, 152 or 200, or block and layers");
  }
  if (resnet.contains("block") && !resnet.contains("layers")) {
    reporter->Add("model.resnet.layers", "missing beside block", "give four numbers of blocks");
  }
}

void CheckSgd(const json& doc, Reporter* reporter) {
  const json::json_pointer nesterov("/optimizer/sgd/nesterov");
  if (!doc.contains(nesterov) || doc[nesterov] != true) return;
  if (Number(doc, "/optimizer/sgd/momentum", 0) > 0) return;
  reporter->Add("optimizer.sgd.nesterov", "needs momentum above 0", "give momentum, such as 0.9");
}

void CheckKnn(const json& doc, Reporter* reporter) {
  int64_t k = Size(doc, "/eval/knn/k");
  int64_t samples = Size(doc, "/eval/knn/train_samples");
  if (samples > 0 && k > samples) {
    reporter->Add("eval.knn.k",
                  Text(k) + " neighbours, but only " + Text(samples) + " train_samples",
                  "give a smaller k or more train_samples");
  }
}

// BYOL's views are the host's alone. `augment` is of one kind of views, `path` its key to blame.
void CheckBackend(const json& augment, const std::string& path, Reporter* reporter) {
  if (augment.value("backend", json()) != "device" || augment.value("style", json()) != "byol") {
    return;
  }
  reporter->Add(path, "the device makes no views in the style byol",
                "give the backend fast, or the style torchvision");
}

// Of all views, then of each kind that has a style or a backend of its own.
void CheckAugment(const json& doc, Reporter* reporter) {
  const json::json_pointer at("/data/augment");
  if (!doc.contains(at) || !doc[at].is_object()) return;
  const json& augment = doc[at];
  CheckBackend(augment, "data.augment.backend", reporter);
  const json kinds = augment.value("views", json::object());
  for (const auto& [name, own] : kinds.items()) {
    for (const char* key : {"backend", "style"}) {
      if (!own.is_object() || !own.contains(key)) continue;
      json kind = augment;
      kind.update(own);
      CheckBackend(kind, "data.augment.views." + name + "." + key, reporter);
      break;
    }
  }
}

bool Takes(const Schema& schema, const std::string& model) {
  if (!schema.contains("models")) return true;
  const Schema& taken = schema["models"];
  return std::find(taken.begin(), taken.end(), model) != taken.end();
}

// The "models" that an objective takes, and that values of its keys other than the default need.
void CheckModels(const json& objective, const std::string& name, const Schema& method,
                 const std::string& model, Reporter* reporter) {
  if (!Takes(method, model)) {
    const auto first = method["models"][0].get<std::string>();
    reporter->Add("model." + model, "the objective " + name + " needs model." + first,
                  "give model." + first + ", or another objective");
  }
  for (const auto& [key, property] : method["properties"].items()) {
    const bool set = objective.is_object() && objective.contains(key) &&
                     (!property.contains("default") || objective[key] != property["default"]);
    if (!set || Takes(property, model)) continue;
    const auto first = property["models"][0].get<std::string>();
    reporter->Add("objective." + name + "." + key, objective[key].dump() + " needs model." + first,
                  "leave the key out, or give model." + first);
  }
}

// What an objective's schema says of models ("models") and of captions ("text_tower").
void CheckMethod(const json& doc, Use use, Reporter* reporter) {
  const auto objective = doc.find("objective");
  if (objective == doc.end() || !objective->is_object() || objective->size() != 1) return;
  const std::string& name = objective->begin().key();
  const Schema& methods = TrainingSchema(use)["properties"]["objective"]["properties"];
  const auto method = methods.find(name);
  if (method == methods.end()) return;

  const auto model = doc.find("model");
  const bool one = model != doc.end() && model->is_object() && model->size() == 1;
  if (one) CheckModels(objective->begin().value(), name, *method, model->begin().key(), reporter);
  const json::json_pointer classes("/eval/zero_shot/classes");
  if (!method->value("text_tower", false) && doc.contains(classes) && !doc[classes].empty() &&
      doc[classes] != "") {
    reporter->Add("eval.zero_shot.classes", "the objective " + name + " has no text tower",
                  "leave the key out, or give the objective clip");
  }
  const int64_t vocabulary = Size(doc, "/objective/clip/text/vocab_size");
  if (use == Use::kJob && vocabulary > 0 && vocabulary < kTokens) {
    reporter->Add("objective.clip.text.vocab_size",
                  Text(vocabulary) + " token ids, the tokenizer makes " + Text(kTokens),
                  "give " + Text(kTokens) + " or leave the key out");
  }
}

}  // namespace

void CheckRules(const json& training, Use use, Reporter* reporter) {
  const bool learned = training.contains(json::json_pointer("/objective/clip"));
  CheckWidth(training, "/model/vit", "model.vit", /*table=*/!learned, reporter);
  CheckWidth(training, "/objective/mae/decoder", "objective.mae.decoder", /*table=*/true, reporter);
  CheckPatches(training, reporter);
  CheckSchedule(training, use, reporter);
  CheckKnn(training, reporter);
  CheckAugment(training, reporter);
  CheckResNet(training, reporter);
  CheckStem(training, reporter);
  CheckSgd(training, reporter);
  CheckMethod(training, use, reporter);
  std::string optimizer = OptimizerAt(training);
  bool scaled = training.contains(json::json_pointer(optimizer + "/base_lr"));
  if (use == Use::kReplay && scaled && Size(training, "/batch/global") == 0) {
    std::string path = optimizer.substr(1) + ".base_lr";
    std::replace(path.begin(), path.end(), '/', '.');
    reporter->Add(path, "is scaled by batch.global, which is absent",
                  "give lr, the rate itself, or batch.global");
  }
}

void CheckBatch(const json& training, int64_t ranks, Reporter* reporter) {
  int64_t global = Size(training, "/batch/global");
  int64_t accumulate = Size(training, "/batch/accumulate");
  if (global == 0 || accumulate == 0 || ranks <= 0 || ranks >= kSizeMax) return;
  if (global % (ranks * accumulate) == 0) return;
  reporter->Add("batch.global",
                Text(global) + " images do not divide over " + Text(ranks) +
                    (ranks == 1 ? " rank" : " ranks") + " x " + Text(accumulate) +
                    (accumulate == 1 ? " micro-batch" : " micro-batches"),
                "give a multiple of " + Text(ranks * accumulate));
}

}  // namespace ocellus::schema
