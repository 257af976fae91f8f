// Bad documents and the exact words that a user reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/schema/documents.h"

namespace ocellus::schema {
namespace {

using testing::Contains;
using testing::ElementsAre;

TEST(Messages, AllProblemsAtOnceInOrder) {
  EXPECT_THAT(
      Messages(R"(name: Demo_mae
rank: 2
priority: high
objective:
  mae:
    mask_ration: 0.75
    mask_ratio: 1.5
    norm_pix_loss: 1
model: {vit: {image_size: 65, patch_size: 8, dim: 192, heads: 5}}
data:
  val:
  augment: {crop_scale: [0.5, 0.2], mean: [0.1, 0.2]}
batch: {global: 10, accumulate: 3}
optimizer: {adamw: {lr: "1e-3", base_lr: 1e-3}}
precision: fp16
labels: {a: 1}
)"),
      ElementsAre(
          "1: name: \"Demo_mae\" is not allowed; use lower-case letters, digits and dashes, "
          "starting with a letter, at most 63",
          "2: rank: unknown key; did you mean ranks?",
          "3: priority: expected an integer, got the text \"high\"; write a number, without "
          "quotes",
          "6: objective.mae.mask_ration: unknown key; did you mean mask_ratio?",
          "7: objective.mae.mask_ratio: 1.5 is out of range; give a number above 0 and below 1",
          "8: objective.mae.norm_pix_loss: expected true or false, got 1",
          "9: model.vit.depth: missing; give an integer",
          "9: model.vit.heads: 5 heads do not divide dim 192; give a number of heads that "
          "divides it",
          "9: model.vit.patch_size: 8 does not divide image_size 65; give a patch_size that "
          "divides it",
          "10: data.train: missing; give text or a list",
          "11: data.val: expected text or a list, got nothing; give a value, or leave the key "
          "out",
          "12: data.augment.crop_scale: [0.5,0.2] has the larger number first; give the "
          "smaller one first",
          "12: data.augment.mean: expected 3 values, got 2",
          "13: batch.global: 10 images do not divide over 1 rank x 3 micro-batches; give a "
          "multiple of 3",
          "14: optimizer.adamw.lr: expected a number, got the text \"1e-3\"; write a number, "
          "without quotes",
          "14: optimizer.adamw: lr and base_lr are both given; keep one",
          "15: precision: \"fp16\" is not known; one of bf16 or fp32",
          "16: labels.a: expected text, got 1; put it in quotes",
          " schedule: missing; give a section"));
}

// The objective's own style counts too, and what every kind of view takes over is said once.
TEST(Messages, ABackendThatCannotMakeTheStyleIsNamedWithItsLine) {
  EXPECT_THAT(Messages(R"(name: views
objective: {relicv2: {}}
model: {resnet: {depth: 50}}
data:
  train: "/data/*.tar"
  augment:
    blur: 0.5
    backend: device
batch: {global: 64}
optimizer: {lars: {lr: 0.1}}
schedule: {total_steps: 100}
)"),
              ElementsAre("8: data.augment.backend: the device makes no views in the style byol; "
                          "give the backend fast, or the style torchvision"));
}

struct Case {
  std::string assignment;
  std::string message;
};

class OneMistake : public testing::TestWithParam<Case> {};

TEST_P(OneMistake, IsNamed) {
  EXPECT_THAT(Messages(kLeastJob, {GetParam().assignment}), Contains(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Messages, OneMistake,
    testing::Values(
        Case{"objective.mocov3={}", "2: objective: two objectives: mae and mocov3; keep one"},
        Case{"data.augment.views={secnd: {blur: 1}}",
             "--set: data.augment.views.secnd: \"secnd\" is not known; did you mean second? one of "
             "second or small"},
        Case{"data.augment.views={second: {blurr: 1}}",
             "--set: data.augment.views.second.blurr: unknown key; did you mean blur?"},
        Case{"data.augment.views={small: {hue: 0.6}}",
             "--set: data.augment.views.small.hue: 0.6 is out of range; give a number from 0 to "
             "0.5"},
        Case{"data.augment.views={small: {views: {}}}",
             "--set: data.augment.views.small.views: unknown key; it belongs under data.augment"},
        Case{"data.augment={style: byol, backend: device}",
             "--set: data.augment.backend: the device makes no views in the style byol; give the "
             "backend fast, or the style torchvision"},
        Case{"data.augment={backend: device, views: {second: {style: byol}}}",
             "--set: data.augment.views.second.style: the device makes no views in the style byol; "
             "give the backend fast, or the style torchvision"},
        Case{"data.augment={style: byol, views: {small: {blur: 1, backend: device}}}",
             "--set: data.augment.views.small.backend: the device makes no views in the style "
             "byol; give the backend fast, or the style torchvision"},
        Case{"data.augment.backend=gpu",
             "--set: data.augment.backend: \"gpu\" is not known; one of reference, fast or device"},
        Case{"objective={rotnet: {features: stage2}}",
             "--set: objective.rotnet.features: \"stage2\" needs model.resnet; leave the key out, "
             "or "
             "give model.resnet"},
        Case{"objective={dino: {}}",
             "--set: objective.dino: unknown objective; known: clip, mae, mocov3, relicv2 "
             "and rotnet"},
        Case{"objective={mea: {}}",
             "--set: objective.mea: unknown objective; did you mean mae? known: clip, mae, mocov3, "
             "relicv2 "
             "and rotnet"},
        Case{"objective={}",
             "--set: objective: no objective is named; known: clip, mae, mocov3, relicv2 "
             "and rotnet"},
        Case{"objective=mae",
             "--set: objective: expected a section, got \"mae\"; write objective: {mae: {}}"},
        Case{"objective=3",
             "--set: objective: expected a section, got 3; known: clip, mae, mocov3, relicv2 "
             "and rotnet"},
        Case{"model.preset=vit_base_patch16_224", "3: model: two models: preset and vit; keep one"},
        Case{"model={preset: vit_base_patch16_224, width: 3}",
             "--set: model.width: unknown key; known here: image_size, patch_size, dim, depth, "
             "heads, stem, mlp_ratio and recompute"},
        Case{"model.dim=3", "--set: model.dim: unknown key; it belongs under model.vit"},
        Case{"optimizer={adam: {lr: 1}}",
             "--set: optimizer.adam: unknown optimizer; did you mean adamw? known: adamw, lars "
             "and sgd"},
        Case{"optimizer={adamw: {}}",
             "--set: optimizer.adamw: needs lr or base_lr; give one of them"},
        Case{"optimizer.adamw.betas=[0.9, 1.0]",
             "--set: optimizer.adamw.betas[1]: 1.0 is out of range; give a number at least 0 and "
             "below "
             "1"},
        Case{"optimizer.adamw.lr=-1",
             "--set: optimizer.adamw.lr: -1 is out of range; give a number from 0 to 100"},
        Case{"schedule.epochs=3", "7: schedule: total_steps and epochs are both given; keep one"},
        Case{"schedule.total=3", "--set: schedule.total: unknown key; did you mean total_steps?"},
        Case{"schedule.warmup_steps=101",
             "--set: schedule.warmup_steps: 101 is more than total_steps 100; a warm-up is a part "
             "of "
             "the run"},
        Case{"schedule.min_lr=1",
             "--set: schedule.min_lr: 1 is above the learning rate; the cosine goes down to it"},
        Case{
            "schedule.kind=cosinus",
            "--set: schedule.kind: \"cosinus\" is not known; did you mean cosine? one of cosine or "
            "constant"},
        Case{"mask_ratio=0.5", "--set: mask_ratio: unknown key; it belongs under objective.mae"},
        Case{"objective.mae.mask_ratio=0.999",
             "--set: objective.mae.mask_ratio: of 64 patches 0 stay visible; at least one must "
             "stay and "
             "one be hidden: change mask_ratio, image_size or patch_size"},
        Case{
            "objective.mae.decoder.dim=510",
            "--set: objective.mae.decoder.dim: 510 is not divisible by 4; the sine-cosine position "
            "table needs it"},
        Case{"model.vit.dim=192.5", "--set: model.vit.dim: expected an integer, got 192.5"},
        Case{"ranks=0", "--set: ranks: 0 is out of range; give an integer from 1 to 4096"},
        Case{"ranks=3",
             "5: batch.global: 64 images do not divide over 3 ranks x 1 micro-batch; give a "
             "multiple "
             "of 3"},
        Case{"data.train=", "--set: data.train: is empty; give text or a list"},
        Case{"data.train=[]", "--set: data.train: expected at least 1 value, got 0"},
        Case{"data.train=[3]", "--set: data.train[0]: expected text, got 3; put it in quotes"},
        Case{"eval.knn.k=3000",
             "--set: eval.knn.k: 3000 neighbours, but only 2000 train_samples; give a smaller k or "
             "more train_samples"},
        Case{"labels={\"\": x}", "--set: labels.: is empty; give text"},
        Case{"name=no", "--set: name: expected text, got false; put it in quotes"},
        Case{"checkpoint=5", "--set: checkpoint: expected a section, got 5"},
        Case{"guard.on_nan=[skip]", "--set: guard.on_nan: expected text, got a list"}));

TEST(Messages, ManyProblemsAreCut) {
  std::string text = kLeastJob;
  for (int i = 0; i < 1000; ++i) text += "zzz" + std::to_string(i) + ": 1\n";
  std::vector<std::string> messages = Messages(text);
  ASSERT_EQ(messages.size(), 51u);
  EXPECT_EQ(messages.back(), " 950 more problems are not shown; correct these first");
}

TEST(Messages, LongValuesAreShortened) {
  for (const std::string& message :
       Messages(kLeastJob, {"precision=" + std::string(500000, 'x')})) {
    EXPECT_LT(message.size(), 200u);
  }
}

}  // namespace
}  // namespace ocellus::schema
