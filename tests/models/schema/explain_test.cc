#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/schema/schema.h"

namespace ocellus::schema {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(Explain, Key) {
  bool found = false;
  EXPECT_EQ(
      Explain("objective.mae.mask_ratio", &found),
      "objective.mae.mask_ratio\n"
      "  Share of patches hidden from the encoder; of L patches, int(L * (1 - mask_ratio)) stay "
      "visible.\n\n"
      "  type     a number\n"
      "  default  0.75\n"
      "  range    above 0 and below 1\n"
      "  source   arXiv:2111.06377 section 4.1; facebookresearch/mae models_mae.py "
      "random_masking\n");
  EXPECT_TRUE(found);
}

TEST(Explain, EndOfAPathFindsAllThatHaveIt) {
  bool found = false;
  std::string text = Explain("dim", &found);
  EXPECT_TRUE(found);
  EXPECT_THAT(text, AllOf(HasSubstr("objective.mae.decoder.dim\n"), HasSubstr("model.vit.dim\n")));
}

TEST(Explain, SectionListsItsKeys) {
  bool found = false;
  EXPECT_THAT(Explain("optimizer.adamw", &found),
              AllOf(HasSubstr("    base_lr "), HasSubstr("exactly one of lr and base_lr")));
  EXPECT_TRUE(found);
  EXPECT_THAT(Explain("", &found), AllOf(HasSubstr("    objective "), HasSubstr("    ranks ")));
  EXPECT_TRUE(found);
  EXPECT_THAT(Explain("model.preset", &found), HasSubstr("vit_base_patch16_224"));
  EXPECT_TRUE(found);
}

TEST(Explain, SaysWhatHoldsWithoutDefault) {
  bool found = false;
  EXPECT_THAT(Explain("batch.global", &found), HasSubstr("default  none: must be given"));
  EXPECT_THAT(Explain("optimizer.adamw.lr", &found),
              HasSubstr("default  none: give one of lr or base_lr"));
}

TEST(Explain, TellsTheDefaultsOfObjectives) {
  bool found = false;
  EXPECT_THAT(Explain("data.augment.color_jitter", &found), HasSubstr("mocov3: 0.8"));
  EXPECT_THAT(Explain("data.augment.solarize_threshold", &found), Not(HasSubstr("under")));
}

TEST(Explain, UnknownNamesNearest) {
  bool found = true;
  EXPECT_EQ(Explain("objective.mae.mask_ration", &found),
            "no key objective.mae.mask_ration; did you mean objective.mae.mask_ratio?\n");
  EXPECT_FALSE(found);
  EXPECT_EQ(Explain("mask_ration", &found),
            "no key mask_ration; did you mean objective.mae.mask_ratio?\n");
  EXPECT_FALSE(found);
  EXPECT_EQ(Explain("zzzzzz", &found), "no key zzzzzz; `ocellus explain` lists what there is\n");
}

TEST(Explain, EveryKeyPathIsFound) {
  for (const std::string& path : KeyPaths()) {
    bool found = false;
    EXPECT_THAT(Explain(path, &found), HasSubstr(path + "\n"));
    EXPECT_TRUE(found) << path;
  }
}

}  // namespace
}  // namespace ocellus::schema
