// tile_product.h's Product of pairs of bf16 by the processor's matrix units, where it has them: a
// file that includes this calls Product as ever. Without them there is nothing here.
#pragma once

#include <algorithm>

#include "kernels/cpu/matrix_units.h"
#include "kernels/cpu/operands.h"

#ifdef OCELLUS_MATRIX_UNITS
namespace ocellus::kernels::cpu {
namespace {

constexpr int64_t kUnitBytes = sizeof(Bf16Pair);
constexpr int64_t kTransposedDepthMax = 4 * kLanes;

// Rows, or units of the depth, in tiles of sixteen, or of all if there are fewer. The last tile
// ends where they do and overlaps the one before: so all have one shape, and none reads beyond.
struct Tiling {
  explicit Tiling(int64_t all) : size(all), tile(std::min(all, kLanes)) {}

  int64_t size, tile;

  // Of the tile for what begins at `at`, a multiple of kLanes.
  int64_t Begin(int64_t at) const { return std::min(at, size - tile); }
};

// A product's configuration, for as long as this lives: tiles 0 to 3 are sums, 4 and 5 of the left
// operand, 6 and 7 of the right one.
class ProductTiles {
 public:
  ProductTiles(int64_t rows, int64_t depth) {
    TileConfig config;
    for (int i = 0; i < 8; ++i) {
      const bool left = i == 4 || i == 5, right = i >= 6;
      config.rows[i] = static_cast<uint8_t>(right ? depth : rows);
      config.row_bytes[i] = static_cast<uint16_t>(kUnitBytes * (left ? depth : kLanes));
    }
    LoadTileConfig(config);
  }
  ~ProductTiles() { ReleaseTiles(); }
  ProductTiles(const ProductTiles&) = delete;
  ProductTiles& operator=(const ProductTiles&) = delete;
};

// A tile's rows of the left operand. They stay where they are if the depth runs along them, but for
// the last of the depth, whose overlap must be zero; else they are transposed.
class LeftTiles {
 public:
  void Take(const LeftOperand<Bf16Pair>& a, int64_t rows, const Tiling& depth) {
    if (a.depth_stride == 1)
      TakeRows(a, rows, depth);
    else
      Transpose(a, rows, depth);
  }

  // What begins at k of the depth.
  template <int kTile>
  void LoadInto(int64_t k) const {
    if (k < copied_from_)
      LoadTile<kTile>(in_place_.data + k, kUnitBytes * in_place_.row_stride);
    else
      LoadTile<kTile>(copies_ + (k - copied_from_) * kLanes, kUnitBytes * kLanes);
  }

 private:
  void TakeRows(const LeftOperand<Bf16Pair>& a, int64_t rows, const Tiling& depth) {
    in_place_ = a;
    copied_from_ = depth.size / depth.tile * depth.tile;
    if (copied_from_ == depth.size) return;
    const int64_t begin = depth.Begin(copied_from_);
    const auto* data = reinterpret_cast<const float*>(a.data + begin);
    for (int64_t r = 0; r < rows; ++r) {
      Store(copies_ + r * kLanes, DropFirst(Load(data + r * a.row_stride), copied_from_ - begin));
    }
  }

  void Transpose(const LeftOperand<Bf16Pair>& a, int64_t rows, const Tiling& depth) {
    copied_from_ = 0;
    for (int64_t k = 0; k < depth.size; k += kLanes) {
      const int64_t begin = depth.Begin(k);
      const auto* data = reinterpret_cast<const float*>(a.data + begin * a.depth_stride);
      Vec units[kLanes] = {};
      for (int64_t d = k - begin; d < depth.tile; ++d) {
        units[d] = LoadPart(data + d * a.depth_stride, rows);
      }
      Transpose16(units, copies_ + k * kLanes, kLanes);
    }
  }

  LeftOperand<Bf16Pair> in_place_;
  int64_t copied_from_;                                     // along the depth
  alignas(64) float copies_[kTransposedDepthMax * kLanes];  // tiles of units, from there on
};

// Blocks of two by two tiles of sums, each held over the whole depth.
template <class Output>
class MatrixProduct {
 public:
  MatrixProduct(int64_t rows, int64_t depth, LeftOperand<Bf16Pair> a, RightOperand<Bf16Pair> b,
                const Output& c)
      : rows_(rows), depth_(depth), tiles_(rows_.tile, depth_.tile), a_(a), b_(b), c_(c) {}

  void Run(int64_t columns) {
    for (int64_t row = 0; row < rows_.size; row += 2 * kLanes) {
      const bool two_rows = row + kLanes < rows_.size;
      Take(row, left_[0]);
      if (two_rows) Take(row + kLanes, left_[1]);
      for (int64_t column = 0; column < columns; column += 2 * kLanes) {
        Block(row, column, two_rows, column + kLanes < columns);
      }
    }
  }

 private:
  void Take(int64_t row, LeftTiles& left) const {
    LeftOperand<Bf16Pair> from = a_;
    from.data += rows_.Begin(row) * from.row_stride;
    left.Take(from, rows_.tile, depth_);
  }

  void Block(int64_t row, int64_t column, bool two_rows, bool two_columns) {
    ZeroTile<0>();
    ZeroTile<1>();
    ZeroTile<2>();
    ZeroTile<3>();
    for (int64_t k = 0; k < depth_.size; k += kLanes) {
      const Bf16Pair* right = b_.data + depth_.Begin(k) * b_.stride + column;
      left_[0].template LoadInto<4>(k);
      LoadTile<6>(right, kUnitBytes * b_.stride);
      MultiplyTiles<0, 4, 6>();
      if (two_columns) LoadTile<7>(right + kLanes, kUnitBytes * b_.stride);
      if (two_columns) MultiplyTiles<1, 4, 7>();
      if (!two_rows) continue;
      left_[1].template LoadInto<5>(k);
      MultiplyTiles<2, 5, 6>();
      if (two_columns) MultiplyTiles<3, 5, 7>();
    }
    Put<0>(row, column);
    if (two_columns) Put<1>(row, column + kLanes);
    if (two_rows) Put<2>(row + kLanes, column);
    if (two_rows && two_columns) Put<3>(row + kLanes, column + kLanes);
  }

  // Rows that a tile has in common with the one before have been put.
  template <int kTile>
  void Put(int64_t row, int64_t column) {
    alignas(64) float sums[kLanes * kLanes];
    StoreTile<kTile>(sums, sizeof(float) * kLanes);
    const int64_t begin = rows_.Begin(row);
    const int vec = static_cast<int>(column / kLanes);
    for (int64_t r = row; r < begin + rows_.tile; ++r) {
      const int at = static_cast<int>(r);
      c_.Put(at, vec, c_.First(at, vec) + Load(sums + (r - begin) * kLanes));
    }
  }

  const Tiling rows_, depth_;
  const ProductTiles tiles_;
  const LeftOperand<Bf16Pair> a_;
  const RightOperand<Bf16Pair> b_;
  const Output c_;
  LeftTiles left_[2];
};

// As the Product of any unit, before which it is taken, but for the order of sums. Rows, columns
// and depth are positive. A left operand with a long depth over rows, or none of whose strides is
// 1, stays with the vectors, as does everything where the system refuses tiles.
template <class Output>
void Product(int64_t rows, int64_t columns, int64_t depth, LeftOperand<Bf16Pair> a,
             RightOperand<Bf16Pair> b, Output c) {
  const bool fits = a.depth_stride == 1 || (a.row_stride == 1 && depth <= kTransposedDepthMax);
  if (!fits || !TilesAllowed()) return Product<Bf16Pair, Output>(rows, columns, depth, a, b, c);
  MatrixProduct<Output>(rows, depth, a, b, c).Run(columns);
}

}  // namespace
}  // namespace ocellus::kernels::cpu
#endif
