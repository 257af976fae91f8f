// The optimizers of this processor against their definitions, one number at a time in fp64.
#include "kernels/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/optimizer_cases.h"

namespace ocellus::kernels {
namespace {

struct Exact {
  std::vector<double> parameter, first, second, average;
};

std::vector<Exact> Copy(const std::vector<OptimizedTensor>& tensors) {
  std::vector<Exact> copies;
  for (const OptimizedTensor& tensor : tensors) {
    Exact& copy = copies.emplace_back();
    for (int64_t i = 0; i < tensor.count(); ++i) {
      copy.parameter.push_back(tensor.At(tensor.parameter, i));
      copy.first.push_back(tensor.At(tensor.first, i));
      copy.second.push_back(tensor.At(tensor.second, i));
      copy.average.push_back(tensor.At(tensor.average, i));
    }
  }
  return copies;
}

void ExpectEqual(const OptimizedTensor& tensor, const Array& got, const std::vector<double>& want,
                 double tolerance, const std::string& what) {
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = tensor.At(got, i);
    ASSERT_LE(std::abs(value - want[i]), tolerance * std::max(1.0, std::abs(want[i])))
        << what << "[" << i << "] of " << tensor.count();
  }
}

void ExpectFollowers(const OptimizedTensor& tensor, Exact& exact, size_t index, double momentum) {
  if (!FollowsOf(index)) return;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    exact.average[i] = momentum * exact.average[i] + (1 - momentum) * exact.parameter[i];
    const float parameter = tensor.At(tensor.parameter, i);
    EXPECT_EQ(tensor.At(tensor.rounded, i), ToFloat(ToBFloat16(parameter)));
  }
  ExpectEqual(tensor, tensor.average, exact.average, 1e-6, "average");
}

TEST(OptimizerTest, AdamWIsItsDefinition) {
  std::vector<OptimizedTensor> tensors = OptimizedTensors();
  std::vector<Exact> exact = Copy(tensors);
  const std::vector<AdamWTensor> own = AdamWTensors(tensors);
  const float clip = 0.7f;
  const StepNumbers numbers{.rate = 0.01, .average_momentum = 0.9};
  int64_t updates = 2;
  const AdamWArgs args{.tensors = own.data(),
                       .size = static_cast<int64_t>(own.size()),
                       .numbers = &numbers,
                       .updates = &updates,
                       .beta1 = 0.9,
                       .beta2 = 0.95,
                       .eps = 1e-4,
                       .clip_factor = &clip};
  cpu::AdamW(args, Serially);
  EXPECT_EQ(updates, 3);
  for (size_t k = 0; k < tensors.size(); ++k) {
    const OptimizedTensor& tensor = tensors[k];
    for (int64_t i = 0; i < tensor.count(); ++i) {
      double &p = exact[k].parameter[i], &m = exact[k].first[i], &v = exact[k].second[i];
      const double g = double{clip} * tensor.At(tensor.gradient, i);
      p *= 1 - 0.01 * DecayOf(k);
      m = 0.9 * m + 0.1 * g;
      v = 0.95 * v + 0.05 * g * g;
      const double root = std::sqrt(v / (1 - std::pow(0.95, 3))) + 1e-4;
      p -= 0.01 * m / (1 - std::pow(0.9, 3)) / root;
    }
    ExpectEqual(tensor, tensor.parameter, exact[k].parameter, 1e-6, "parameter");
    ExpectEqual(tensor, tensor.first, exact[k].first, 1e-6, "first moment");
    ExpectEqual(tensor, tensor.second, exact[k].second, 1e-6, "second moment");
    ExpectFollowers(tensor, exact[k], k, 0.9);
  }
}

void MomentumByDefinition(const MomentumArgs& args, const OptimizedTensor& tensor, size_t k,
                          Exact* exact) {
  std::vector<double> gradient(tensor.count());
  double p2 = 0, g2 = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    gradient[i] = double{*args.clip_factor} * tensor.At(tensor.gradient, i) +
                  DecayOf(k) * exact->parameter[i];
    p2 += exact->parameter[i] * exact->parameter[i];
    g2 += gradient[i] * gradient[i];
  }
  const bool adapts = AdaptsOf(k) && p2 > 0 && g2 > 0;
  const double trust = adapts ? args.trust * std::sqrt(p2 / g2) : 1.0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double g = gradient[i] * trust * (args.rate_inside ? args.numbers->rate : 1.0);
    const double v = exact->first[i] = args.momentum * exact->first[i] + g;
    const double outside = args.rate_inside ? 1.0 : args.numbers->rate;
    exact->parameter[i] -= outside * (args.nesterov ? g + args.momentum * v : v);
  }
}

TEST(OptimizerTest, MomentumIsItsDefinition) {
  for (const auto& [inside, nesterov] : {std::pair{false, false}, {true, false}, {false, true}}) {
    std::vector<OptimizedTensor> tensors = OptimizedTensors();
    for (int64_t i = 0; i < tensors[4].count(); ++i) tensors[4].parameter.Set(i, 0);
    std::vector<Exact> exact = Copy(tensors);
    const std::vector<MomentumTensor> own = MomentumTensors(tensors);
    const float clip = 0.7f;
    Array scratch(MomentumScratch(own.data(), own.size()));
    const StepNumbers numbers{.rate = 0.1, .average_momentum = 0.9};
    int64_t updates = 0;
    const MomentumArgs args{.tensors = own.data(),
                            .size = static_cast<int64_t>(own.size()),
                            .numbers = &numbers,
                            .updates = &updates,
                            .momentum = 0.8,
                            .trust = 0.02,
                            .rate_inside = inside,
                            .nesterov = nesterov,
                            .clip_factor = &clip,
                            .scratch = scratch.floats()};
    cpu::Momentum(args, Serially);
    EXPECT_EQ(updates, 1);
    for (size_t k = 0; k < tensors.size(); ++k) {
      MomentumByDefinition(args, tensors[k], k, &exact[k]);
      ExpectEqual(tensors[k], tensors[k].parameter, exact[k].parameter, 1e-6, "parameter");
      ExpectEqual(tensors[k], tensors[k].first, exact[k].first, 1e-6, "buffer");
      ExpectFollowers(tensors[k], exact[k], k, 0.9);
    }
  }
}

TEST(OptimizerTest, AveragesMoveByTheMomentum) {
  std::vector<OptimizedTensor> tensors = OptimizedTensors();
  std::vector<Exact> exact = Copy(tensors);
  const std::vector<AverageTensor> own = AverageTensors(tensors);
  const StepNumbers numbers{.average_momentum = 0.8};
  cpu::Average({own.data(), static_cast<int64_t>(own.size()), &numbers}, Serially);
  for (size_t k = 0; k < tensors.size(); ++k) {
    for (int64_t i = 0; i < tensors[k].count(); ++i) {
      exact[k].average[i] = 0.8 * exact[k].average[i] + 0.2 * exact[k].parameter[i];
    }
    ExpectEqual(tensors[k], tensors[k].average, exact[k].average, 1e-6, "average");
  }
}

float NormOf(std::vector<OptimizedTensor>& tensors, double limit, float* factor) {
  std::vector<GradientTensor> own;
  for (OptimizedTensor& tensor : tensors) {
    own.push_back({tensor.count(), tensor.ForAdamW(0, false).gradient});
  }
  Array norm(1), scratch(GradientNormScratch(own.data(), own.size()));
  cpu::GradientNorm({.tensors = own.data(),
                     .size = static_cast<int64_t>(own.size()),
                     .limit = limit,
                     .norm = norm.floats(),
                     .factor = factor,
                     .scratch = scratch.floats()},
                    Serially);
  return norm.At(0);
}

TEST(OptimizerTest, NormIsOverAllTensors) {
  std::vector<OptimizedTensor> tensors = OptimizedTensors();
  double squares = 0;
  for (const OptimizedTensor& tensor : tensors) {
    for (int64_t i = 0; i < tensor.count(); ++i) {
      squares += std::pow(double{tensor.At(tensor.gradient, i)}, 2);
    }
  }
  const double norm = std::sqrt(squares);
  float factor = 0;
  EXPECT_NEAR(NormOf(tensors, 2.0, &factor), norm, 1e-6 * norm);
  EXPECT_NEAR(factor, 2.0 / norm, 1e-6);
  NormOf(tensors, 1e9, &factor);
  EXPECT_EQ(factor, 1.0f);
  EXPECT_NEAR(NormOf(tensors, 2.0, nullptr), norm, 1e-6 * norm);
}

TEST(OptimizerTest, NormShowsWhatIsNotFinite) {
  std::vector<OptimizedTensor> tensors = OptimizedTensors();
  tensors[3].gradient.Set(40000, std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isinf(NormOf(tensors, 1, nullptr)));
  tensors[1].gradient.Set(16, std::nanf(""));
  EXPECT_TRUE(std::isnan(NormOf(tensors, 1, nullptr)));
}

}  // namespace
}  // namespace ocellus::kernels
