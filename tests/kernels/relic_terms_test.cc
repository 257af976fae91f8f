// ReLICv2's terms against their definition in fp64, gradients against its differences.
#include "kernels/relic_terms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/relic_cases.h"

namespace ocellus::kernels {
namespace {

// The answers of one image.
struct Answers {
  std::vector<double> log_p, log_q;
};

std::vector<double> LogSoftmax(std::vector<double> x) {
  double highest = x[0], sum = 0;
  for (const double value : x) highest = std::max(highest, value);
  for (const double value : x) sum += std::exp(value - highest);
  for (double& value : x) value -= highest + std::log(sum);
  return x;
}

// Numbers of a kernel's own are products; without, those that the embeddings have.
Answers AnswersOf(const RelicCase& c, int64_t i, const std::vector<double>& p_shift,
                  const std::vector<double>& q_shift) {
  Answers answers;
  for (int64_t j = 0; j < c.n.candidates; ++j) {
    const int64_t k = c.choices[i * c.n.candidates + j];
    const double scale = double{c.scale()};
    answers.log_p.push_back(scale * (c.Product(c.online, i, c.all_target, k) + p_shift[j]));
    answers.log_q.push_back(scale * (c.Product(c.target, i, c.all_online, k) + q_shift[j]));
  }
  return {LogSoftmax(answers.log_p), LogSoftmax(answers.log_q)};
}

double Sum(const std::vector<double>& weights, const std::vector<double>& a) {
  double sum = 0;
  for (size_t j = 0; j < a.size(); ++j) sum += std::exp(weights[j]) * a[j];
  return sum;
}

double Kl(RelicDivergence kind, const Answers& now, const Answers& held) {
  switch (kind) {
    case RelicDivergence::kListing:
      return Sum(held.log_p, held.log_p) - Sum(now.log_p, now.log_q);
    case RelicDivergence::kFull:
      return Sum(now.log_p, now.log_p) - Sum(now.log_p, now.log_q);
    default:
      return Sum(held.log_q, held.log_q) - Sum(held.log_q, now.log_p);
  }
}

// What backward is the gradient of, as a function of shifts of the products.
double Weighted(const RelicCase& c, int64_t i, const std::vector<double>& p_shift,
                const std::vector<double>& q_shift) {
  const std::vector<double> none(c.n.candidates);
  const Answers now = AnswersOf(c, i, p_shift, q_shift), held = AnswersOf(c, i, none, none);
  return c.d_likelihood.At(i) * now.log_p[c.Own(i)] + c.d_kl.At(i) * Kl(c.divergence, now, held);
}

double Difference(const RelicCase& c, int64_t i, int64_t j, bool of_q) {
  constexpr double kStep = 1e-5;
  double values[2];
  for (const int side : {0, 1}) {
    std::vector<double> p_shift(c.n.candidates), q_shift(c.n.candidates);
    (of_q ? q_shift : p_shift)[j] = side == 0 ? -kStep : kStep;
    values[side] = Weighted(c, i, p_shift, q_shift);
  }
  return (values[1] - values[0]) / (2 * kStep);
}

// The products' gradients by differences, and the embeddings' from them.
struct Gradients {
  explicit Gradients(const RelicCase& c)
      : online(c.n.rows * c.n.width), all_online(c.n.others * c.n.width) {
    for (int64_t i = 0; i < c.n.rows; ++i) {
      for (int64_t j = 0; j < c.n.candidates; ++j) Add(c, i, j);
    }
  }

  void Add(const RelicCase& c, int64_t i, int64_t j) {
    const int64_t k = c.choices[i * c.n.candidates + j];
    p.push_back(Difference(c, i, j, false));
    q.push_back(Difference(c, i, j, true));
    for (int64_t w = 0; w < c.n.width; ++w) {
      online[i * c.n.width + w] += p.back() * c.all_target.At(k * c.stride() + w);
      all_online[k * c.n.width + w] += q.back() * c.target.At(i * c.stride() + w);
    }
  }

  std::vector<double> p, q, online, all_online;
};

void Check(const RelicNumbers& numbers, RelicDivergence divergence) {
  SCOPED_TRACE(testing::Message() << numbers.rows << " of " << numbers.others << ", "
                                  << static_cast<int>(divergence));
  RelicCase c(numbers, divergence);
  cpu::RelicForward(c.Forward(), Serially);
  cpu::RelicBackward(c.Backward(), Serially);
  std::vector<double> likelihood, kl;
  const std::vector<double> none(numbers.candidates);
  for (int64_t i = 0; i < numbers.rows; ++i) {
    const Answers answers = AnswersOf(c, i, none, none);
    likelihood.push_back(answers.log_p[c.Own(i)]);
    kl.push_back(Kl(divergence, answers, answers));
  }
  ExpectNear(c.likelihood, likelihood, 3e-6, "likelihood");
  ExpectNear(c.kl, kl, 3e-6, "kl");
  const Gradients want(c);
  ExpectNear(c.d_p, want.p, 2e-5, "d_p");
  if (divergence != RelicDivergence::kSoftLabel) ExpectNear(c.d_q, want.q, 2e-5, "d_q");
  if (!numbers.chosen) return;
  ExpectNear(c.d_online, want.online, 4e-5, "d_online");
  if (divergence == RelicDivergence::kSoftLabel) return;
  ExpectNear(c.d_all_online, want.all_online, 4e-5, "d_all_online");
}

TEST(RelicTermsTest, AreTheirDefinition) {
  for (const RelicNumbers& numbers : RelicShapes()) {
    for (const RelicDivergence divergence : kRelicDivergences) Check(numbers, divergence);
  }
}

TEST(RelicTermsTest, TakeNoImages) {
  RelicCase c({0, 3, 2, 4, 0, true}, RelicDivergence::kListing);
  cpu::RelicForward(c.Forward(), Serially);
  cpu::RelicBackward(c.Backward(), Serially);
  EXPECT_EQ(c.d_all_online.At(7), 0.0f);
}

TEST(RelicTermsTest, ChoicesAreInvertedInOrder) {
  const std::vector<int64_t> chosen = {2, 0, 2, 3, 0};
  std::vector<int64_t> first(6), places(5);
  InvertChoices(chosen.data(), 5, 5, first.data(), places.data());
  EXPECT_EQ(first, (std::vector<int64_t>{0, 2, 2, 4, 5, 5}));
  EXPECT_EQ(places, (std::vector<int64_t>{1, 4, 0, 2, 3}));
}

}  // namespace
}  // namespace ocellus::kernels
