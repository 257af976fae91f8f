#include "kernels/attention.h"

#include <memory>

#include "kernels/cpu/operands.h"

namespace ocellus::kernels::cpu {
namespace {

constexpr int64_t kQueriesMax = 64;  // of one block: its scores stay in the cache
constexpr int64_t kTasksMax = 64;

// Hands out 64-byte aligned arrays of one allocation, uninitialised.
class Arena {
 public:
  explicit Arena(int64_t floats) : memory_(std::make_unique_for_overwrite<float[]>(floats)) {}

  template <class Unit>
  Unit* Take(int64_t count) {
    static_assert(sizeof(Unit) == sizeof(float));
    const auto address = reinterpret_cast<uintptr_t>(memory_.get() + taken_);
    taken_ += static_cast<int64_t>((64 - address % 64) % 64 / sizeof(float));
    Unit* array = reinterpret_cast<Unit*>(memory_.get() + taken_);
    taken_ += count;
    return array;
  }

  // All arrays may be overwritten.
  void Reset() { taken_ = 0; }

 private:
  std::unique_ptr<float[]> memory_;
  int64_t taken_ = 0;
};

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
    return 4 * tokens_16 * (width_16 + kLanes) + 4 * queries * (width_16 + tokens_16) +
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

// Rows of scores become softmax(scale * scores) over the first `tokens` columns, zero beyond.
void SoftmaxRows(float* scores, int64_t rows, int64_t tokens, int64_t tokens_16, float scale) {
  for (int64_t i = 0; i < rows; ++i, scores += tokens_16) {
    for (int64_t j = tokens; j < tokens_16; ++j) scores[j] = scores[0];
    Vec highest = Load(scores);
    for (int64_t j = kLanes; j < tokens_16; j += kLanes) highest = Max(highest, Load(scores + j));
    const float shift = MaxLane(highest) * scale;
    Vec sum{};
    for (int64_t j = 0; j < tokens_16; j += kLanes) {
      const Vec p = KeepFirst(Exp(Load(scores + j) * scale - shift), tokens - j);
      Store(scores + j, p);
      sum += p;
    }
    const float inverse = 1.0f / Sum(sum);
    for (int64_t j = 0; j < tokens_16; j += kLanes) Store(scores + j, Load(scores + j) * inverse);
  }
}

// d_p becomes scale * p * (d_p - sum(p d_p)): the gradient of the scores before `scale`.
void SoftmaxGradient(const float* p, float* d_p, int64_t rows, int64_t tokens_16, float scale) {
  for (int64_t i = 0; i < rows; ++i, p += tokens_16, d_p += tokens_16) {
    Vec sum{};
    for (int64_t j = 0; j < tokens_16; j += kLanes) sum += Load(p + j) * Load(d_p + j);
    const float mean = Sum(sum);
    for (int64_t j = 0; j < tokens_16; j += kLanes) {
      Store(d_p + j, (Load(d_p + j) - mean) * Load(p + j) * scale);
    }
  }
}

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
  float* result = arena.Take<float>(size.queries * size.width_16);

  for (int64_t begin = 0; begin < size.tokens; begin += size.queries) {
    const int64_t rows = std::min(size.queries, size.tokens - begin);
    const auto q = PackRows(head.q.From(begin), rows, left);
    Product(rows, size.tokens_16, depth, q, k, FloatOutput{scores, size.tokens_16, false});
    SoftmaxRows(scores, rows, size.tokens, size.tokens_16, args.shape.scale);
    const auto p = ScoresByRow(scores, rows, size.tokens_16, left);
    Product(rows, size.width_16, Units<Unit>(size.tokens), p, v,
            FloatOutput{result, size.width_16, false});
    StoreRows(result, rows, size.width_16, out.From(begin));
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
  const Sizes size_;
  const int64_t depth_;
  const PackedHead<T> head_, gradient_;
  const OperandRows<T> d_out_;
  RightOperand<Unit> k_transposed_, v_transposed_, k_paired_;
  float *p_, *d_p_, *d_q_, *d_k_, *d_v_;
  Unit *left_, *right_;
};

template <class T>
BackwardHead<T>::BackwardHead(const AttentionBackwardArgs& args, int64_t index, Arena& arena)
    : scale_(args.shape.scale),
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
  left_ = arena.Take<Unit>(size_.queries * std::max(size_.tokens_16, size_.width_16));
  right_ = arena.Take<Unit>(size_.queries * size_.width_16);
  d_q_ = arena.Take<float>(size_.queries * size_.width_16);
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
  const auto q = PackRows(head_.q.From(begin), rows, left_);
  Product(rows, columns, depth_, q, k_transposed_, FloatOutput{p_, columns, false});
  const auto d_out = PackRows(d_out_.From(begin), rows, left_);
  Product(rows, columns, depth_, d_out, v_transposed_, FloatOutput{d_p_, columns, false});
  SoftmaxRows(p_, rows, size_.tokens, columns, scale_);

  const auto p = ScoresByColumn(p_, rows, columns, left_);
  const auto d_out_paired = PackPaired(d_out_.From(begin), rows, right_);
  Product(size_.tokens, width, Units<Unit>(rows), p, d_out_paired, FloatOutput{d_v_, width, add});

  SoftmaxGradient(p_, d_p_, rows, columns, scale_);
  const auto d_scores = ScoresByRow(d_p_, rows, columns, left_);
  Product(rows, width, Units<Unit>(size_.tokens), d_scores, k_paired_,
          FloatOutput{d_q_, width, false});
  StoreRows(d_q_, rows, width, gradient_.q.From(begin));

  const auto d_scores_by_column = ScoresByColumn(d_p_, rows, columns, left_);
  const auto q_paired = PackPaired(head_.q.From(begin), rows, right_);
  Product(size_.tokens, width, Units<Unit>(rows), d_scores_by_column, q_paired,
          FloatOutput{d_k_, width, add});
}

// Runs head(index, arena) for all heads of the batch.
template <class Head>
void ForEachHead(const AttentionShape& shape, const ParallelFor& parallel, const Head& head) {
  const int64_t heads = shape.batch * shape.heads, tasks = std::min(heads, kTasksMax);
  parallel(tasks, [&](int64_t task) {
    Arena arena(Sizes(shape).ArenaFloats());
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
