#include "worker/trainer/model_card.h"

#include <gtest/gtest.h>

#include <span>

#include "tests/support/temp_folder.h"

namespace ocellus::trainer {
namespace {

CardFacts Facts() {
  CardFacts facts;
  facts.file = "encoder.safetensors";
  facts.bytes = 123;
  facts.sha256 = std::string(64, 'a');
  facts.metadata = {{"timm_kwargs", "{\"a\": 1}"}};
  facts.job = "j-1";
  facts.name = "demo";
  facts.project = "vision";
  facts.step = 100;
  facts.samples = 1600;
  facts.data_samples = 256;
  facts.trainer = "9.9.9";
  facts.document = {{"objective", {{"mae", {{"mask_ratio", 0.75}}}}},
                    {"model", {{"vit", {{"dim", 192}}}}},
                    {"data", {{"train", {"s3://b/{0..9}.tar", "a|b"}}, {"val", ""}}}};
  for (int step = 1; step <= 100; ++step) {
    facts.history += "{\"step\":" + std::to_string(step) +
                     ",\"loss\":" + (step == 50 ? "null" : std::to_string(1.0 / step)) +
                     ",\"lr\":0.001,\"grad_norm\":2.5}\n";
  }
  facts.evaluation = R"({"step": 100, "trained": {"knn": 0.5}, "random": {"knn": 0.1}})";
  return facts;
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ModelCard, HasAllThatOneWantsToKnow) {
  const std::string card = ModelCard(Facts());
  for (const std::string& part :
       {std::string("# demo\n"), std::string(64, 'a'), std::string("123 bytes, the encoder alone"),
        std::string("| method | mae |"), std::string("100 steps, 1600 samples"),
        std::string("j-1, demo, project vision"), std::string("| samples | 256 |"),
        std::string("s3://b/{0..9}.tar"), std::string("a\\|b"), std::string("| val | none |"),
        std::string("| 1 | 1 | 0.001 | 2.5 |"), std::string("| 100 | 0.01 | 0.001 | 2.5 |"),
        std::string("After step 100, beside"), std::string("50.0"), std::string("`timm_kwargs`"),
        std::string("Ocellus 9.9.9"), std::string("LibTorch"),
        std::string("\"mask_ratio\": 0.75")}) {
    EXPECT_TRUE(Has(card, part)) << part << "\n" << card;
  }
  EXPECT_EQ(card, ModelCard(Facts()));
}

TEST(ModelCard, SaysWhatIsNotKnown) {
  CardFacts facts = Facts();
  facts.history = "no json\n";
  facts.evaluation = "";
  facts.name = "";
  facts.full = true;
  facts.document = nlohmann::json::object();
  const std::string card = ModelCard(facts);
  EXPECT_TRUE(Has(card, "# j-1\n"));
  EXPECT_TRUE(Has(card, "No history is kept"));
  EXPECT_TRUE(Has(card, "Not measured by the job"));
  EXPECT_TRUE(Has(card, "all weights under the method's own names"));
  facts.evaluation = R"({"step": 50, "trained": {"knn": 0.5}})";
  EXPECT_TRUE(Has(ModelCard(facts), "which is not the step of these weights"));
}

TEST(ModelCard, TakesTheCurveFromTheJobsArtifacts) {
  const TempFolder folder;
  const auto store = store::OpenStore(folder.path());
  const std::string line = "{\"step\":1,\"loss\":7.25}\n";
  store->Put("j/artifacts/history.jsonl", std::as_bytes(std::span(line)));
  CardFacts facts = Facts();
  AddArtifacts(*store, "j/", &facts);
  EXPECT_EQ(facts.history, line);
  EXPECT_EQ(facts.evaluation, "");
}

}  // namespace
}  // namespace ocellus::trainer
