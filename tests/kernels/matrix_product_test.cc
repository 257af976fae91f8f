#include "kernels/cpu/matrix_product.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/attention.h"
#include "tests/kernels/arrays.h"
#include "tests/support/matrix_units_emulation.h"

namespace ocellus::kernels::cpu {
namespace {

EmulatedMatrixUnits& Units() { return EmulatedMatrixUnits::OfThread(); }

enum class Side { kBegin, kEnd };

// Units or floats right before, or right behind, memory that cannot be touched; NaN at first.
template <class T>
class Guarded {
 public:
  Guarded(int64_t size, Side side) : page_(getpagesize()) {
    const int64_t bytes = size * sizeof(T);
    inner_ = (bytes + page_ - 1) / page_ * page_;
    void* all = mmap(nullptr, inner_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    all_ = static_cast<unsigned char*>(all);
    EXPECT_NE(all, MAP_FAILED);
    EXPECT_EQ(mprotect(all_ + page_, inner_, PROT_READ | PROT_WRITE), 0);
    std::memset(all_ + page_, 0xff, inner_);
    data_ = reinterpret_cast<T*>(all_ + page_ + (side == Side::kEnd ? inner_ - bytes : 0));
  }
  ~Guarded() { munmap(all_, inner_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  T& operator[](int64_t i) { return data_[i]; }

 private:
  int64_t page_, inner_;
  unsigned char* all_;
  T* data_;
};

struct Case {
  int64_t rows, columns, depth;
  bool depth_over_rows = false;  // of the left operand
  bool accumulate = false;
  Side side = Side::kBegin;
};

// A product in which every stride is longer than what it strides over.
class Checked {
 public:
  explicit Checked(const Case& sizes)
      : of_(sizes),
        row_stride_(of_.depth_over_rows ? 1 : of_.depth + 3),
        depth_stride_(of_.depth_over_rows ? of_.rows + 5 : 1),
        left_((of_.rows - 1) * row_stride_ + (of_.depth - 1) * depth_stride_ + 1, of_.side),
        right_((of_.depth - 1) * (of_.columns + 7) + of_.columns, of_.side),
        result_((of_.rows - 1) * (of_.columns + 9) + of_.columns, of_.side) {
    for (int64_t k = 0; k < of_.depth; ++k) {
      for (int64_t r = 0; r < of_.rows; ++r) {
        left_[r * row_stride_ + k * depth_stride_] = {Draw(), Draw()};
      }
      for (int64_t c = 0; c < of_.columns; ++c)
        right_[k * (of_.columns + 7) + c] = {Draw(), Draw()};
    }
    if (!of_.accumulate) return;
    for (int64_t r = 0; r < of_.rows; ++r) {
      for (int64_t c = 0; c < of_.columns; ++c) result_[r * (of_.columns + 9) + c] = r - 3.0f * c;
    }
  }

  void Run() {
    Product(of_.rows, of_.columns, of_.depth,
            LeftOperand<Bf16Pair>{left_.data(), row_stride_, depth_stride_},
            RightOperand<Bf16Pair>{right_.data(), of_.columns + 7},
            FloatOutput{result_.data(), of_.columns + 9, of_.accumulate});
  }

  // Whether every sum is right, and nothing between rows was written.
  bool Right() {
    for (int64_t r = 0; r < of_.rows; ++r) {
      const float* row = &result_[r * (of_.columns + 9)];
      for (int64_t c = 0; c < of_.columns; ++c) {
        const double difference = std::abs(row[c] - Sum(r, c));
        if (!(difference <= 1e-5 * Magnitude(r, c))) return false;
      }
      for (int64_t c = of_.columns; r + 1 < of_.rows && c < of_.columns + 9; ++c) {
        if (!std::isnan(row[c])) return false;
      }
    }
    return true;
  }

 private:
  BFloat16 Draw() { return ToBFloat16(normal_(random_)); }

  template <class Term>
  double SumOf(int64_t r, int64_t c, const Term& term) {
    double sum = of_.accumulate ? term(r - 3.0 * c) : 0;
    for (int64_t k = 0; k < of_.depth; ++k) {
      const Bf16Pair a = left_[r * row_stride_ + k * depth_stride_];
      const Bf16Pair b = right_[k * (of_.columns + 7) + c];
      sum += term(double{ToFloat(a.low)} * ToFloat(b.low));
      sum += term(double{ToFloat(a.high)} * ToFloat(b.high));
    }
    return sum;
  }
  double Sum(int64_t r, int64_t c) {
    return SumOf(r, c, [](double x) { return x; });
  }
  double Magnitude(int64_t r, int64_t c) {
    return SumOf(r, c, [](double x) { return std::abs(x); });
  }

  const Case of_;
  const int64_t row_stride_, depth_stride_;
  std::mt19937_64 random_{1};
  std::normal_distribution<float> normal_;
  Guarded<Bf16Pair> left_, right_;
  Guarded<float> result_;
};

// Runs and checks a product, by matrix units or by vectors.
void Check(const Case& of, bool by_matrix_units = true) {
  SCOPED_TRACE(testing::Message() << of.rows << " x " << of.columns << ", depth " << of.depth
                                  << (of.depth_over_rows ? " over rows" : " along rows")
                                  << (of.accumulate ? ", accumulating" : ""));
  const int64_t before = Units().multiplications;
  Checked product(of);
  product.Run();
  EXPECT_TRUE(product.Right());
  EXPECT_EQ(Units().multiplications > before, by_matrix_units);
  EXPECT_FALSE(Units().configured);
}

TEST(MatrixProductTest, AgreesWithTheFormulaAndStaysWithinItsOperands) {
  for (int64_t rows = 1; rows <= 40; ++rows) {
    for (int64_t depth = 1; depth <= 40; ++depth) {
      const int64_t columns = 16 * (1 + (3 * rows + depth) % 5);
      for (bool depth_over_rows : {false, true}) {
        for (Side side : {Side::kBegin, Side::kEnd}) {
          Check({rows, columns, depth, depth_over_rows, (rows + depth / 2) % 2 == 0, side});
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST(MatrixProductTest, TakesTheShapesOfAttention) {
  for (Side side : {Side::kBegin, Side::kEnd}) {
    Check({.rows = 50, .columns = 208, .depth = 32, .side = side});
    Check({.rows = 50, .columns = 64, .depth = 99, .side = side});
    Check({.rows = 197, .columns = 64, .depth = 25, .depth_over_rows = true, .side = side});
    Check({.rows = 197, .columns = 32, .depth = 64, .depth_over_rows = true, .accumulate = true});
  }
}

TEST(MatrixProductTest, LeavesALongTransposedDepthToVectors) {
  Check({.rows = 20, .columns = 48, .depth = 65, .depth_over_rows = true}, false);
}

TEST(MatrixProductTest, LeavesAllToVectorsWhereTilesAreRefused) {
  Units().allowed = false;
  Check({.rows = 20, .columns = 48, .depth = 24}, false);
  Check({.rows = 20, .columns = 48, .depth = 24, .depth_over_rows = true}, false);
  Units().allowed = true;
}

TEST(MatrixProductTest, AttentionOfBf16ComesThisWay) {
  AttentionShape shape{.batch = 1, .tokens = 19, .heads = 2, .head_width = 16};
  for (Element type : {Element::kFloat32, Element::kBFloat16}) {
    shape.type = type;
    Array qkv = Array::Normal(19 * 96, 1, type), out(19 * 32, type), d_qkv(19 * 96, type);
    Array largest(38), inverse(38);
    const SoftmaxRows rows{largest.floats(), inverse.floats()};
    const int64_t before = Units().multiplications;
    AttentionForward({shape, qkv.data(), out.data(), rows}, Serially);
    const int64_t between = Units().multiplications;
    AttentionBackward({shape, qkv.data(), out.data(), rows, d_qkv.data()}, Serially);
    EXPECT_EQ(between > before, type == Element::kBFloat16);
    EXPECT_EQ(Units().multiplications > between, type == Element::kBFloat16);
    EXPECT_FALSE(Units().configured);
  }
}

TEST(MatrixUnitsEmulationTest, RefusesWhatTheProcessorWould) {
  float memory[256];
  EXPECT_THROW(ZeroTile<0>(), std::logic_error);
  EXPECT_THROW(LoadTile<4>(memory, 64), std::logic_error);
  TileConfig config;
  config.rows[0] = 17;
  config.row_bytes[0] = 64;
  EXPECT_THROW(LoadTileConfig(config), std::logic_error);
  {
    const ProductTiles tiles(5, 7);
    EXPECT_THROW((MultiplyTiles<0, 6, 4>()), std::logic_error);
    EXPECT_THROW((MultiplyTiles<4, 5, 6>()), std::logic_error);
    EXPECT_THROW(LoadTileConfig(TileConfig()), std::logic_error);
  }
  EXPECT_THROW((MultiplyTiles<0, 4, 6>()), std::logic_error);
}

}  // namespace
}  // namespace ocellus::kernels::cpu
