// The operations of kernels/cpu/matrix_units.h on ordinary memory, for processors without matrix
// units. What the processor would refuse, or compute of other shapes than the tiles', throws
// std::logic_error; so does a configuration that is not released before the next one.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "kernels/cpu/matrix_units.h"

namespace ocellus::kernels::cpu {

struct EmulatedMatrixUnits {
  static constexpr int kTiles = 8, kRowsMax = 16, kRowBytesMax = 64;

  bool allowed = true;  // by the system
  bool configured = false;
  int64_t multiplications = 0;  // of tiles, ever
  TileConfig config;
  unsigned char tiles[kTiles][kRowsMax][kRowBytesMax];

  static EmulatedMatrixUnits& OfThread() {
    thread_local EmulatedMatrixUnits units;
    return units;
  }

  static void Require(bool condition, const char* what) {
    if (!condition) throw std::logic_error(what);
  }

  void RequireTile(int tile) const {
    Require(configured, "no configuration");
    Require(tile >= 0 && tile < kTiles && config.rows[tile] > 0, "no such tile");
  }
};

inline bool TilesAllowed() { return EmulatedMatrixUnits::OfThread().allowed; }

inline void LoadTileConfig(const TileConfig& config) {
  auto& units = EmulatedMatrixUnits::OfThread();
  units.Require(units.allowed, "not allowed");
  units.Require(!units.configured, "configured already");
  units.Require(config.palette == 1 && config.start_row == 0, "palette");
  for (int i = 0; i < 16; ++i) {
    const bool used = config.rows[i] > 0;
    units.Require(used == (config.row_bytes[i] > 0), "rows without bytes, or bytes without rows");
    units.Require(!used || i < units.kTiles, "more than eight tiles");
    units.Require(config.rows[i] <= units.kRowsMax, "rows");
    units.Require(config.row_bytes[i] <= units.kRowBytesMax, "bytes of a row");
  }
  units.config = config;
  units.configured = true;
  std::memset(units.tiles, 0, sizeof units.tiles);
}

inline void ReleaseTiles() { EmulatedMatrixUnits::OfThread().configured = false; }

template <int kTile>
void ZeroTile() {
  auto& units = EmulatedMatrixUnits::OfThread();
  units.RequireTile(kTile);
  std::memset(units.tiles[kTile], 0, sizeof units.tiles[kTile]);
}

template <int kTile>
void LoadTile(const void* rows, int64_t stride) {
  ZeroTile<kTile>();
  auto& units = EmulatedMatrixUnits::OfThread();
  for (int r = 0; r < units.config.rows[kTile]; ++r) {
    const auto* row = static_cast<const unsigned char*>(rows) + r * stride;
    std::memcpy(units.tiles[kTile][r], row, units.config.row_bytes[kTile]);
  }
}

template <int kTile>
void StoreTile(void* rows, int64_t stride) {
  auto& units = EmulatedMatrixUnits::OfThread();
  units.RequireTile(kTile);
  for (int r = 0; r < units.config.rows[kTile]; ++r) {
    auto* row = static_cast<unsigned char*>(rows) + r * stride;
    std::memcpy(row, units.tiles[kTile][r], units.config.row_bytes[kTile]);
  }
}

// The bf16 at an index of a tile's row.
inline float TileElement(const unsigned char* row, int index) {
  uint16_t half;
  std::memcpy(&half, row + 2 * index, sizeof half);
  const uint32_t bits = uint32_t{half} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <int kSums, int kLeft, int kRight>
void MultiplyTiles() {
  auto& units = EmulatedMatrixUnits::OfThread();
  for (int tile : {kSums, kLeft, kRight}) units.RequireTile(tile);
  const TileConfig& config = units.config;
  units.Require(config.rows[kSums] == config.rows[kLeft], "rows of sums and left operand");
  units.Require(config.row_bytes[kLeft] == 4 * config.rows[kRight], "depth of both operands");
  units.Require(config.row_bytes[kSums] == config.row_bytes[kRight],
                "columns of sums and right operand");
  for (int r = 0; r < config.rows[kSums]; ++r) {
    float sums[16];
    std::memcpy(sums, units.tiles[kSums][r], sizeof sums);
    for (int k = 0; k < config.rows[kRight]; ++k) {
      for (int c = 0; c < config.row_bytes[kSums] / 4; ++c) {
        for (int half = 0; half < 2; ++half) {
          sums[c] += TileElement(units.tiles[kLeft][r], 2 * k + half) *
                     TileElement(units.tiles[kRight][k], 2 * c + half);
        }
      }
    }
    std::memcpy(units.tiles[kSums][r], sums, config.row_bytes[kSums]);
  }
  ++units.multiplications;
}

}  // namespace ocellus::kernels::cpu
