#include "kernels/linear.h"

#include <algorithm>

#include "kernels/cpu/operands.h"

// Right operands are packed in panels of up to kPanel columns, [panel][depth][columns], so that a
// tile reads one stream. A panel is multiplied with all rows over the whole depth: nothing is
// written but the result. Weight gradients, whose depth is the rows, add up chunks of it.
namespace ocellus::kernels::cpu {
namespace {

constexpr int64_t kPanel = 4 * kLanes;
// A multiple of a tile's rows, few enough to stay in the cache for all panels.
constexpr int64_t kRowsPerTask = 240;
constexpr int64_t kTileRows = 6;       // of tiles as wide as a panel
constexpr int64_t kRowsPerPack = 64;   // even
constexpr int64_t kPanelsPerTask = 4;  // of one chunk of rows: half of the second cache

int64_t PanelCount(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

int64_t PanelWidth(int64_t columns, int64_t panel) {
  return std::min(kPanel, columns - panel * kPanel);
}

// Rounds to bf16, row by row, from what a tile's sums begin with.
struct Bf16Output {
  BFloat16* data;
  int64_t stride;
  const float* bias;  // of these columns, or null

  // Asks for the line that Put will write: waiting for it then costs up to a fifth of a product.
  Vec First(int r, int v) const {
    __builtin_prefetch(data + r * stride + v * kLanes, 1);
    return bias ? Load(bias + v * kLanes) : Vec{};
  }
  void Put(int r, int v, Vec sum) const { Store(data + r * stride + v * kLanes, sum); }

  void MoveDown(int64_t rows) { data += rows * stride; }
  void MoveRight(int64_t columns) {
    data += columns;
    if (bias) bias += columns;
  }
};

// Sums that may begin with those of rows before. Asks for the lines that Put will write, or the
// next tile's sums, which come from afar.
struct WeightOutput {
  float* data;
  int64_t stride;
  bool accumulate;

  Vec First(int r, int v) const {
    float* at = data + r * stride + v * kLanes;
    __builtin_prefetch(accumulate ? at + kTileRows * stride : at, 1);
    return accumulate ? Load(at) : Vec{};
  }
  void Put(int r, int v, Vec sum) const { Store(data + r * stride + v * kLanes, sum); }

  void MoveDown(int64_t rows) { data += rows * stride; }
  void MoveRight(int64_t columns) { data += columns; }
};

struct PackedPanels {
  Bf16Pair* data;
  int64_t depth;
  int64_t columns;

  Bf16Pair* Panel(int64_t panel) const { return data + panel * kPanel * depth; }
  RightOperand<Bf16Pair> Right(int64_t panel) const {
    return {Panel(panel), PanelWidth(columns, panel)};
  }
};

// a [rows, 2 depth] times the panels. `output` is that of the first row and column.
template <class Output>
void MultiplyRows(const BFloat16* a, int64_t rows, const PackedPanels& b, const Output& output,
                  const ParallelFor& parallel) {
  const int64_t panels = PanelCount(b.columns);
  const int64_t blocks = (rows + kRowsPerTask - 1) / kRowsPerTask;
  parallel(panels * blocks, [&](int64_t task) {
    const int64_t panel = task % panels, begin = task / panels * kRowsPerTask;
    const auto* pairs = reinterpret_cast<const Bf16Pair*>(a) + begin * b.depth;
    Output to = output;
    to.MoveDown(begin);
    to.MoveRight(panel * kPanel);
    Product(std::min(kRowsPerTask, rows - begin), PanelWidth(b.columns, panel), b.depth,
            LeftOperand<Bf16Pair>{pairs, b.depth, 1}, b.Right(panel), to);
  });
}

// [rows, panels' columns] as pairs of rows. A task takes a few rows through all panels: of a panel
// alone, each row would be in another page.
void PackRowPairs(const BFloat16* from, int64_t rows, const PackedPanels& to,
                  const ParallelFor& parallel) {
  const int64_t blocks = (rows + kRowsPerPack - 1) / kRowsPerPack;
  parallel(blocks, [&](int64_t block) {
    const int64_t begin = block * kRowsPerPack, count = std::min(kRowsPerPack, rows - begin);
    for (int64_t panel = 0; panel < PanelCount(to.columns); ++panel) {
      const int64_t width = PanelWidth(to.columns, panel);
      const OperandRows<BFloat16> columns{from + begin * to.columns + panel * kPanel, to.columns,
                                          width};
      PackPaired(columns, count, to.Panel(panel) + begin / 2 * width);
    }
  });
}

// a^T b into `output`, which is that of the first row and column. A task keeps some panels of a in
// the cache, past which those of b go.
void MultiplyPanels(const PackedPanels& a, const PackedPanels& b, const WeightOutput& output,
                    const ParallelFor& parallel) {
  const int64_t panels = PanelCount(a.columns);
  const int64_t tasks = (panels + kPanelsPerTask - 1) / kPanelsPerTask;
  parallel(tasks, [&](int64_t task) {
    const int64_t first = task * kPanelsPerTask, last = std::min(first + kPanelsPerTask, panels);
    for (int64_t right = 0; right < PanelCount(b.columns); ++right) {
      for (int64_t left = first; left < last; ++left) {
        const int64_t width = PanelWidth(a.columns, left);
        WeightOutput to = output;
        to.MoveDown(left * kPanel);
        to.MoveRight(right * kPanel);
        Product(width, PanelWidth(b.columns, right), a.depth,
                LeftOperand<Bf16Pair>{a.Panel(left), 1, width}, b.Right(right), to);
      }
    }
  });
}

}  // namespace

bool LinearIsFast() {
#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
  return true;
#else
  return false;
#endif
}

void LinearForward(const LinearForwardArgs& args, const ParallelFor& parallel) {
  const int64_t in = args.shape.in, out = args.shape.out;
  const PackedPanels packed{reinterpret_cast<Bf16Pair*>(args.scratch), in / 2, out};
  parallel(PanelCount(out), [&](int64_t panel) {
    const OperandRows<float> rows{args.weight + panel * kPanel * in, in, in};
    PackTransposed(rows, PanelWidth(out, panel), packed.Panel(panel));
  });
  MultiplyRows(args.x, args.shape.rows, packed, Bf16Output{args.y, out, args.bias}, parallel);
}

void LinearInputGradient(const LinearInputGradientArgs& args, const ParallelFor& parallel) {
  const int64_t in = args.shape.in, out = args.shape.out;
  const PackedPanels packed{reinterpret_cast<Bf16Pair*>(args.scratch), out / 2, in};
  parallel(PanelCount(in), [&](int64_t panel) {
    const OperandRows<float> rows{args.weight + panel * kPanel, in, PanelWidth(in, panel)};
    PackPaired(rows, out, packed.Panel(panel));
  });
  MultiplyRows(args.d_y, args.shape.rows, packed, Bf16Output{args.d_x, in, nullptr}, parallel);
}

void LinearWeightGradient(const LinearWeightGradientArgs& args, const ParallelFor& parallel) {
  const int64_t in = args.shape.in, out = args.shape.out;
  const int64_t chunk = LinearRowsPerChunk(args.shape.rows);
  for (int64_t begin = 0; begin < args.shape.rows; begin += chunk) {
    const int64_t rows = std::min(chunk, args.shape.rows - begin);
    const int64_t depth = (rows + 1) / 2;
    const PackedPanels x{reinterpret_cast<Bf16Pair*>(args.scratch), depth, in};
    const PackedPanels d_y{x.data + depth * in, depth, out};
    PackRowPairs(args.x + begin * in, rows, x, parallel);
    PackRowPairs(args.d_y + begin * out, rows, d_y, parallel);
    const WeightOutput to{args.d_weight, in, begin > 0};
    MultiplyPanels(d_y, x, to, parallel);
  }
}

}  // namespace ocellus::kernels::cpu
