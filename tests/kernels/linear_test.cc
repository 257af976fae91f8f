#include "kernels/linear.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/kernels/arrays.h"

namespace ocellus::kernels {
namespace {

const BFloat16* Halves(Array& array) { return static_cast<const BFloat16*>(array.data()); }

// A layer, its inputs and what the three products give.
struct Layer {
  explicit Layer(const LinearShape& shape)
      : shape(shape),
        x(Array::Normal(shape.rows * shape.in, 1, Element::kBFloat16)),
        d_y(Array::Normal(shape.rows * shape.out, 2, Element::kBFloat16)),
        weight(Array::Normal(shape.out * shape.in, 3)),
        bias(Array::Normal(shape.out, 4)),
        y(shape.rows * shape.out, Element::kBFloat16),
        d_x(shape.rows * shape.in, Element::kBFloat16),
        d_weight(shape.out * shape.in) {}

  void Run(const ParallelFor& parallel, bool has_bias = true) {
    Array packed(LinearScratch(shape)), both(LinearWeightScratch(shape));
    cpu::LinearForward({.shape = shape,
                        .x = Halves(x),
                        .weight = weight.floats(),
                        .bias = has_bias ? bias.floats() : nullptr,
                        .y = static_cast<BFloat16*>(y.data()),
                        .scratch = packed.floats()},
                       parallel);
    cpu::LinearInputGradient({.shape = shape,
                              .d_y = Halves(d_y),
                              .weight = weight.floats(),
                              .d_x = static_cast<BFloat16*>(d_x.data()),
                              .scratch = packed.floats()},
                             parallel);
    cpu::LinearWeightGradient({.shape = shape,
                               .x = Halves(x),
                               .d_y = Halves(d_y),
                               .d_weight = d_weight.floats(),
                               .scratch = both.floats()},
                              parallel);
  }

  // Weights as the products see them.
  double Weight(int64_t o, int64_t i) const {
    return ToFloat(ToBFloat16(weight.At(o * shape.in + i)));
  }

  LinearShape shape;
  Array x, d_y, weight, bias, y, d_x, d_weight;
};

// The sum of term(k) over the depth, for all rows and columns.
std::vector<double> Sums(int64_t rows, int64_t columns, int64_t depth,
                         const std::function<double(int64_t, int64_t, int64_t)>& term) {
  std::vector<double> sums(rows * columns);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t k = 0; k < depth; ++k) sums[r * columns + c] += term(r, c, k);
    }
  }
  return sums;
}

void Check(const LinearShape& shape, bool has_bias) {
  Layer layer(shape);
  layer.Run(Serially, has_bias);
  const auto [rows, in, out] = shape;
  std::vector<double> y = Sums(rows, out, in, [&](int64_t r, int64_t o, int64_t i) {
    return layer.x.At(r * shape.in + i) * layer.Weight(o, i);
  });
  if (has_bias) {
    for (int64_t i = 0; i < rows * out; ++i) y[i] += layer.bias.At(i % shape.out);
  }
  ExpectNear(layer.y, y, 4e-3, "y");
  ExpectNear(layer.d_x,
             Sums(rows, in, out,
                  [&](int64_t r, int64_t i, int64_t o) {
                    return layer.d_y.At(r * shape.out + o) * layer.Weight(o, i);
                  }),
             4e-3, "d_x");
  ExpectNear(layer.d_weight,
             Sums(out, in, rows,
                  [&](int64_t o, int64_t i, int64_t r) {
                    return double{layer.d_y.At(r * shape.out + o)} * layer.x.At(r * shape.in + i);
                  }),
             rows < 1000 ? 1e-5 : 2e-4, "d_weight");
}

TEST(LinearTest, AgreesWithTheFormula) {
  for (const auto& [rows, in, out] : {std::tuple<int64_t, int64_t, int64_t>{1, 32, 16},
                                      {5, 96, 80},
                                      {13, 160, 32},
                                      {70, 64, 208},
                                      {245, 32, 48},
                                      {1601, 32, 80},  // chunks of a weight gradient's rows
                                      {2573, 64, 16}}) {
    SCOPED_TRACE(testing::Message() << rows << " x " << in << " to " << out);
    Check({rows, in, out}, true);
  }
  Check({7, 32, 32}, false);
}

TEST(LinearTest, DoesNotDependOnTheOrderOfTasks) {
  Layer one({1700, 96, 336}), other({1700, 96, 336});
  one.Run(Serially);
  other.Run([](int64_t tasks, const std::function<void(int64_t)>& body) {
    for (int64_t i = tasks; i-- > 0;) body(i);
  });
  for (int64_t i = 0; i < one.y.size(); ++i) ASSERT_EQ(one.y.At(i), other.y.At(i));
  for (int64_t i = 0; i < one.d_x.size(); ++i) ASSERT_EQ(one.d_x.At(i), other.d_x.At(i));
  for (int64_t i = 0; i < one.d_weight.size(); ++i) {
    ASSERT_EQ(one.d_weight.At(i), other.d_weight.At(i));
  }
}

TEST(LinearTest, TakesMultiplesAlone) {
  EXPECT_TRUE((LinearShape{1, 32, 16}.Fits()));
  EXPECT_FALSE((LinearShape{1, 16, 32}.Fits()));
  EXPECT_FALSE((LinearShape{1, 32, 8}.Fits()));
  EXPECT_FALSE((LinearShape{0, 32, 16}.Fits()));
}

}  // namespace
}  // namespace ocellus::kernels
