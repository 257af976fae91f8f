#include "kernels/attention.h"

#include <algorithm>

#include "kernels/cpu/arena.h"
#include "kernels/cpu/attention_scores.h"
#include "kernels/cpu/matrix_product.h"

namespace ocellus::kernels::cpu {
namespace {

constexpr int64_t kQueriesMax = 80;  // of one block: its scores stay in the cache
constexpr int64_t kTasksMax = 64;

// Sizes of a head, and the queries of one block.
struct Sizes {
  explicit Sizes(const AttentionShape& shape)
      : tokens(shape.tokens),
        tokens_16(RoundUp16(shape.tokens)),
        width_16(RoundUp16(shape.head_width)) {
    const int64_t blocks = (tokens + kQueriesMax - 1) / kQueriesMax;
    queries = (tokens + blocks - 1) / blocks;
    queries += queries % 2;
  }

  int64_t tokens, tokens_16, width_16;
  int64_t queries;  // even, so that pairs of rows do not cross blocks

  int64_t ArenaFloats() const {  // more than the backward pass takes
    return 4 * tokens_16 * (width_16 + kLanes) + queries * (4 * width_16 + 5 * tokens_16) +
           4 * tokens_16 * width_16 + 16 * kLanes;
  }
};

// The three heads' rows of a qkv tensor.
template <class T>
struct PackedHead {
  PackedHead(const AttentionShape& shape, const void* qkv, int64_t index) {
    const int64_t batch = index / shape.heads, head = index % shape.heads;
    const T* base = static_cast<const T*>(qkv) + batch * shape.tokens * 3 * shape.width() +
                    head * shape.head_width;
    q = {base, 3 * shape.width(), shape.head_width};
    k = {base + shape.width(), 3 * shape.width(), shape.head_width};
    v = {base + 2 * shape.width(), 3 * shape.width(), shape.head_width};
  }
  OperandRows<T> q, k, v;
};

template <class T>
OperandRows<T> OutputHead(const AttentionShape& shape, const void* out, int64_t index) {
  const int64_t batch = index / shape.heads, head = index % shape.heads;
  return {
      static_cast<const T*>(out) + batch * shape.tokens * shape.width() + head * shape.head_width,
      shape.width(), shape.head_width};
}

// A head's rows, of T, each times a factor if there are some.
template <class T>
struct RowsOutput {
  explicit RowsOutput(OperandRows<T> rows, const float* row_factors = nullptr)
      : data(const_cast<T*>(rows.data)),
        stride(rows.stride),
        width(rows.width),
        factors(row_factors) {}

  T* data;
  int64_t stride, width;
  const float* factors;

  Vec First(int, int) const { return Vec{}; }
  void Put(int r, int v, Vec sum) const {
    const int64_t count = width - v * kLanes;
    if (count > 0) {
      StorePart(data + r * stride + v * kLanes, factors ? sum * factors[r] : sum, count);
    }
  }
  void MoveDown(int64_t rows) {
    data += rows * stride;
    if (factors) factors += rows;
  }
  void MoveRight(int64_t columns) {
    data += columns;
    width -= columns;
  }
};

// fp32 rows [count][width_16] to a head's rows.
template <class T>
void StoreRows(const float* rows, int64_t count, int64_t width_16, OperandRows<T> to) {
  T* data = const_cast<T*>(to.data);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < to.width; j += kLanes) {
      StorePart(data + i * to.stride + j, Load(rows + i * width_16 + j), to.width - j);
    }
  }
}

template <class T>
void ForwardHead(const AttentionForwardArgs& args, int64_t index, Arena& arena) {
  using Unit = UnitOf<T>;
  const Sizes size(args.shape);
  const PackedHead<T> head(args.shape, args.qkv, index);
  const OperandRows<T> out = OutputHead<T>(args.shape, args.out, index);
  const int64_t depth = Units<Unit>(size.width_16);
  const auto k =
      PackTransposed(head.k, size.tokens, arena.Take<Unit>(RoundUp16(depth) * size.tokens_16));
  const auto v = PackPaired(head.v, size.tokens, arena.Take<Unit>(size.tokens_16 * size.width_16));
  float* scores = arena.Take<float>(size.queries * size.tokens_16);
  Unit* left = arena.Take<Unit>(size.queries * std::max(size.tokens_16, size.width_16));
  const SoftmaxRows softmax = args.rows.From(index * size.tokens);

  for (int64_t begin = 0; begin < size.tokens; begin += size.queries) {
    const int64_t rows = std::min(size.queries, size.tokens - begin);
    const auto q = LeftRows(head.q.From(begin), rows, left);
    Product(rows, size.tokens_16, depth, q, k, FloatOutput{scores, size.tokens_16, false});
    const ScoreBlock block{rows, size.tokens, size.tokens_16, args.shape.scale};
    const SoftmaxRows of_block = softmax.From(begin);
    const auto e = Exponentials(block, scores, left, of_block);
    Product(rows, size.width_16, Units<Unit>(size.tokens), e, v,
            RowsOutput<T>(out.From(begin), of_block.inverse));
  }
}

// The backward pass of one head, block of queries by block of queries. Keys' and values' gradients
// add up over blocks.
template <class T>
class BackwardHead {
 public:
  BackwardHead(const AttentionBackwardArgs& args, int64_t index, Arena& arena);
  void Run();

 private:
  using Unit = UnitOf<T>;
  void Block(int64_t begin, int64_t rows);

  const float scale_;
  const SoftmaxRows softmax_;
  const Sizes size_;
  const int64_t depth_;
  const PackedHead<T> head_, gradient_;
  const OperandRows<T> d_out_;
  RightOperand<Unit> k_transposed_, v_transposed_, k_paired_;
  ScoreGradientSpace<Unit> space_;
  float *p_, *d_p_, *d_k_, *d_v_;
  Unit *left_, *right_;
};

template <class T>
BackwardHead<T>::BackwardHead(const AttentionBackwardArgs& args, int64_t index, Arena& arena)
    : scale_(args.shape.scale),
      softmax_(args.rows.From(index * args.shape.tokens)),
      size_(args.shape),
      depth_(Units<Unit>(size_.width_16)),
      head_(args.shape, args.qkv, index),
      gradient_(args.shape, args.d_qkv, index),
      d_out_(OutputHead<T>(args.shape, args.d_out, index)) {
  const int64_t transposed = RoundUp16(depth_) * size_.tokens_16;
  const int64_t by_token = size_.tokens_16 * size_.width_16;
  k_transposed_ = PackTransposed(head_.k, size_.tokens, arena.Take<Unit>(transposed));
  v_transposed_ = PackTransposed(head_.v, size_.tokens, arena.Take<Unit>(transposed));
  k_paired_ = PackPaired(head_.k, size_.tokens, arena.Take<Unit>(by_token));
  p_ = arena.Take<float>(size_.queries * size_.tokens_16);
  d_p_ = arena.Take<float>(size_.queries * size_.tokens_16);
  for (Unit** operand : {&space_.p_by_column, &space_.d_by_row, &space_.d_by_column}) {
    *operand = arena.Take<Unit>(Units<Unit>(size_.queries * size_.tokens_16));
  }
  left_ = arena.Take<Unit>(size_.queries * size_.width_16);
  right_ = arena.Take<Unit>(size_.queries * size_.width_16);
  d_k_ = arena.Take<float>(by_token);
  d_v_ = arena.Take<float>(by_token);
}

template <class T>
void BackwardHead<T>::Run() {
  for (int64_t begin = 0; begin < size_.tokens; begin += size_.queries) {
    Block(begin, std::min(size_.queries, size_.tokens - begin));
  }
  StoreRows(d_k_, size_.tokens, size_.width_16, gradient_.k);
  StoreRows(d_v_, size_.tokens, size_.width_16, gradient_.v);
}

template <class T>
void BackwardHead<T>::Block(int64_t begin, int64_t rows) {
  const int64_t columns = size_.tokens_16, width = size_.width_16;
  const bool add = begin > 0;
  const auto q = LeftRows(head_.q.From(begin), rows, left_);
  Product(rows, columns, depth_, q, k_transposed_, FloatOutput{p_, columns, false});
  const auto d_out = LeftRows(d_out_.From(begin), rows, left_);
  Product(rows, columns, depth_, d_out, v_transposed_, FloatOutput{d_p_, columns, false});
  const ScoreBlock block{rows, size_.tokens, columns, scale_};
  const auto scores = SoftmaxGradient(block, softmax_.From(begin), p_, d_p_, space_);

  const auto d_out_paired = PackPaired(d_out_.From(begin), rows, right_);
  Product(size_.tokens, width, Units<Unit>(rows), scores.p_by_column, d_out_paired,
          FloatOutput{d_v_, width, add});
  Product(rows, width, Units<Unit>(size_.tokens), scores.d_by_row, k_paired_,
          RowsOutput<T>(gradient_.q.From(begin)));
  const auto q_paired = PackPaired(head_.q.From(begin), rows, right_);
  Product(size_.tokens, width, Units<Unit>(rows), scores.d_by_column, q_paired,
          FloatOutput{d_k_, width, add});
}

// Runs head(index, arena) for all heads of the batch.
template <class Head>
void ForEachHead(const AttentionShape& shape, const ParallelFor& parallel, const Head& head) {
  const int64_t heads = shape.batch * shape.heads, tasks = std::min(heads, kTasksMax);
  parallel(tasks, [&](int64_t task) {
    Arena& arena = Arena::OfThread(Sizes(shape).ArenaFloats());
    const int64_t end = PartBegin(heads, tasks, task + 1);
    for (int64_t i = PartBegin(heads, tasks, task); i < end; ++i) {
      arena.Reset();
      head(i, arena);
    }
  });
}

}  // namespace

void AttentionForward(const AttentionForwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.shape.type == Element::kBFloat16;
  ForEachHead(args.shape, parallel, [&](int64_t index, Arena& arena) {
    bf16 ? ForwardHead<BFloat16>(args, index, arena) : ForwardHead<float>(args, index, arena);
  });
}

void AttentionBackward(const AttentionBackwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.shape.type == Element::kBFloat16;
  ForEachHead(args.shape, parallel, [&](int64_t index, Arena& arena) {
    bf16 ? BackwardHead<BFloat16>(args, index, arena).Run()
         : BackwardHead<float>(args, index, arena).Run();
  });
}

}  // namespace ocellus::kernels::cpu
