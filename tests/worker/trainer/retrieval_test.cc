#include "worker/trainer/retrieval.h"

#include <gtest/gtest.h>

namespace ocellus::trainer {
namespace {

torch::Tensor Tokens(const std::vector<int64_t>& captions) {
  return torch::tensor(captions).unsqueeze(1).expand({-1, 4});
}

TEST(Retrieval, FindsPairsThatPointTheSameWay) {
  const torch::Tensor images = torch::eye(20), texts = torch::eye(20) * 7;
  const Retrieval found = RecallOfPairs(images, texts, torch::arange(20).unsqueeze(1));
  EXPECT_EQ(found.image_to_text, (Recall{1, 1, 1}));
  EXPECT_EQ(found.text_to_image, (Recall{1, 1, 1}));
}

// Image i points to text i + 1 first and to its own second, while texts find their own at once.
TEST(Retrieval, CountsPlacesInBothDirections) {
  const torch::Tensor images = torch::eye(8) + 2 * torch::eye(8).roll(1, 1);
  const Retrieval found = RecallOfPairs(images, torch::eye(8), torch::arange(8).unsqueeze(1));
  EXPECT_EQ(found.image_to_text, (Recall{0, 1, 1}));
  EXPECT_EQ(found.text_to_image, (Recall{0, 1, 1}));
  const torch::Tensor half = torch::cat({torch::eye(8).narrow(0, 0, 4), images.narrow(0, 4, 4)});
  EXPECT_EQ(RecallOfPairs(half, torch::eye(8), torch::arange(8).unsqueeze(1)).image_to_text[0],
            0.5);
}

TEST(Retrieval, EqualCaptionsAreOne) {
  // Images 0 and 1 are swapped; their captions are the same.
  const torch::Tensor images =
      torch::eye(12).index_select(0, torch::tensor({1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  torch::Tensor texts = torch::eye(12);
  EXPECT_LT(RecallOfPairs(images, texts, torch::arange(12).unsqueeze(1)).image_to_text[0], 1);
  const auto tokens = Tokens({5, 5, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(RecallOfPairs(images, texts, tokens).image_to_text[0], 1);
  EXPECT_EQ(RecallOfPairs(images, texts, tokens).text_to_image[0], 1);
}

TEST(Retrieval, EmbeddingsThatAreAllEqualFindNothing) {
  const torch::Tensor same = torch::ones({40, 6});
  const Retrieval found = RecallOfPairs(same, same, torch::arange(40).unsqueeze(1));
  EXPECT_EQ(found.image_to_text, (Recall{0, 0, 0}));
  EXPECT_EQ(found.text_to_image, (Recall{0, 0, 0}));
}

}  // namespace
}  // namespace ocellus::trainer
