#include "kernels/linear.h"

#include <algorithm>

#include "kernels/cpu/operands.h"

// Right operands are packed in panels of up to kPanel columns, [panel][depth][columns], so that a
// tile reads one stream. A panel is multiplied with all rows over the whole depth: nothing is
// written but the result.
namespace ocellus::kernels::cpu {
namespace {

constexpr int64_t kPanel = 4 * kLanes;
// A multiple of a tile's rows, few enough to stay in the cache for all panels.
constexpr int64_t kRowsPerTask = 240;

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
  const int64_t rows = args.shape.rows, in = args.shape.in, out = args.shape.out;
  const int64_t depth = (rows + 1) / 2;
  const PackedPanels x{reinterpret_cast<Bf16Pair*>(args.scratch), depth, in};
  const PackedPanels d_y{x.data + depth * in, depth, out};
  parallel(PanelCount(in), [&](int64_t panel) {
    const OperandRows<BFloat16> columns{args.x + panel * kPanel, in, PanelWidth(in, panel)};
    PackPaired(columns, rows, x.Panel(panel));
  });
  parallel(PanelCount(out), [&](int64_t block) {
    const int64_t width = PanelWidth(out, block);
    const OperandRows<BFloat16> columns{args.d_y + block * kPanel, out, width};
    PackPaired(columns, rows, d_y.Panel(block));
    for (int64_t panel = 0; panel < PanelCount(in); ++panel) {
      const FloatOutput to{args.d_weight + block * kPanel * in + panel * kPanel, in, false};
      Product(width, PanelWidth(in, panel), depth,
              LeftOperand<Bf16Pair>{d_y.Panel(block), 1, width}, x.Right(panel), to);
    }
  });
}

}  // namespace ocellus::kernels::cpu
