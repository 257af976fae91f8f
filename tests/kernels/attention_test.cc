#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/arrays.h"

namespace ocellus::kernels {
namespace {

// The formula, one head at a time, in fp64.
class Exact {
 public:
  Exact(const AttentionShape& shape, const Array& qkv, const Array& d_out)
      : shape_(shape), qkv_(qkv), d_out_(d_out) {
    out.resize(d_out.size());
    d_qkv.resize(qkv.size());
    for (int64_t b = 0; b < shape.batch; ++b) {
      for (int64_t h = 0; h < shape.heads; ++h) Head(b, h);
    }
  }

  std::vector<double> out, d_qkv;

 private:
  int64_t In(int64_t b, int64_t part, int64_t token, int64_t h, int64_t e) const {
    return ((b * shape_.tokens + token) * 3 + part) * shape_.width() + h * shape_.head_width + e;
  }
  int64_t Out(int64_t b, int64_t token, int64_t h, int64_t e) const {
    return (b * shape_.tokens + token) * shape_.width() + h * shape_.head_width + e;
  }

  void Head(int64_t b, int64_t h) {
    for (int64_t i = 0; i < shape_.tokens; ++i) {
      const std::vector<double> p = Probabilities(b, h, i);
      for (int64_t e = 0; e < shape_.head_width; ++e) {
        for (int64_t j = 0; j < shape_.tokens; ++j) {
          out[Out(b, i, h, e)] += p[j] * qkv_.At(In(b, 2, j, h, e));
          d_qkv[In(b, 2, j, h, e)] += p[j] * d_out_.At(Out(b, i, h, e));
        }
      }
      Gradient(b, h, i, p);
    }
  }

  std::vector<double> Probabilities(int64_t b, int64_t h, int64_t i) const {
    std::vector<double> p(shape_.tokens);
    double sum = 0;
    for (int64_t j = 0; j < shape_.tokens; ++j) {
      double score = 0;
      for (int64_t e = 0; e < shape_.head_width; ++e) {
        score += static_cast<double>(qkv_.At(In(b, 0, i, h, e))) * qkv_.At(In(b, 1, j, h, e));
      }
      sum += p[j] = std::exp(score * shape_.scale);
    }
    for (double& value : p) value /= sum;
    return p;
  }

  void Gradient(int64_t b, int64_t h, int64_t i, const std::vector<double>& p) {
    std::vector<double> d_p(shape_.tokens);
    double mean = 0;
    for (int64_t j = 0; j < shape_.tokens; ++j) {
      for (int64_t e = 0; e < shape_.head_width; ++e) {
        d_p[j] += static_cast<double>(d_out_.At(Out(b, i, h, e))) * qkv_.At(In(b, 2, j, h, e));
      }
      mean += p[j] * d_p[j];
    }
    for (int64_t j = 0; j < shape_.tokens; ++j) {
      const double d_score = shape_.scale * p[j] * (d_p[j] - mean);
      for (int64_t e = 0; e < shape_.head_width; ++e) {
        d_qkv[In(b, 0, i, h, e)] += d_score * qkv_.At(In(b, 1, j, h, e));
        d_qkv[In(b, 1, j, h, e)] += d_score * qkv_.At(In(b, 0, i, h, e));
      }
    }
  }

  const AttentionShape& shape_;
  const Array &qkv_, &d_out_;
};

void Check(AttentionShape shape, Element type, double tolerance) {
  shape.type = type;
  const int64_t size = shape.batch * shape.tokens * shape.width();
  Array qkv = Array::Normal(3 * size, 1, type), d_out = Array::Normal(size, 2, type);
  Array out(size, type), d_qkv(3 * size, type);
  const int64_t scores = shape.batch * shape.heads * shape.tokens;
  Array largest(scores), inverse(scores);
  const SoftmaxRows rows{largest.floats(), inverse.floats()};
  cpu::AttentionForward({shape, qkv.data(), out.data(), rows}, Serially);
  cpu::AttentionBackward({shape, qkv.data(), d_out.data(), rows, d_qkv.data()}, Serially);
  const Exact exact(shape, qkv, d_out);
  ExpectNear(out, exact.out, tolerance, "out");
  ExpectNear(d_qkv, exact.d_qkv, tolerance, "d_qkv");
}

TEST(AttentionTest, AgreesWithTheFormula) {
  for (AttentionShape shape :
       {AttentionShape{.batch = 1, .tokens = 1, .heads = 1, .head_width = 1},
        AttentionShape{.batch = 2, .tokens = 5, .heads = 3, .head_width = 7},
        AttentionShape{.batch = 2, .tokens = 16, .heads = 3, .head_width = 32},
        AttentionShape{.batch = 1, .tokens = 67, .heads = 2, .head_width = 16},
        AttentionShape{.batch = 1, .tokens = 66, .heads = 1, .head_width = 80},
        AttentionShape{.batch = 1, .tokens = 129, .heads = 1, .head_width = 33}}) {
    SCOPED_TRACE(testing::Message() << shape.tokens << " tokens, width " << shape.head_width);
    shape.scale = 1 / std::sqrt(static_cast<float>(shape.head_width));
    Check(shape, Element::kFloat32, 4e-6);
    Check(shape, Element::kBFloat16, 2e-2);
  }
}

// Scores far apart: e^score would not fit into a float.
TEST(AttentionTest, SharpScoresStayExact) {
  AttentionShape shape{.batch = 1, .tokens = 37, .heads = 2, .head_width = 16, .scale = 8};
  Check(shape, Element::kFloat32, 1e-4);
}

}  // namespace
}  // namespace ocellus::kernels
