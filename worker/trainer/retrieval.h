// Finding an image's caption among all captions, and a caption's image among all images.
#pragma once

#include <torch/torch.h>

#include "worker/trainer/findings.h"

namespace ocellus::trainer {

// `images` and `texts`: [n, dim] embeddings of n pairs; `tokens`: [n, length], what the captions
// are. Ordered by cosine. Equal captions are one: any image of theirs is right. A wrong candidate
// that scores the same comes first, so that embeddings that are all equal find nothing.
Retrieval RecallOfPairs(const torch::Tensor& images, const torch::Tensor& texts,
                        const torch::Tensor& tokens);

}  // namespace ocellus::trainer
