// The processor's matrix units (AMX): eight tiles of up to sixteen rows of 64 bytes, multiplied as
// pairs of bf16 and summed in fp32.
//
// OCELLUS_MATRIX_UNITS is defined where code is compiled for a processor that has them, or with
// their emulation, OCELLUS_MATRIX_EMULATION, a header that supplies the operations below. All but
// TilesAllowed() want a configuration, which says the tiles' shapes. It belongs to the thread and
// not to us: a library's kernels load their own, so whoever needs one loads it, and releases it
// before anything else runs.
#pragma once

#include <cstdint>

namespace ocellus::kernels::cpu {

// As the instruction reads it.
struct TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

}  // namespace ocellus::kernels::cpu

#ifdef OCELLUS_MATRIX_EMULATION
#define OCELLUS_MATRIX_UNITS
#include OCELLUS_MATRIX_EMULATION
#elif defined(__AMX_BF16__)
#define OCELLUS_MATRIX_UNITS
#include <sys/syscall.h>
#include <unistd.h>

namespace ocellus::kernels::cpu {
namespace {

// Whether Linux lets this process use tiles, which it wants to be asked once.
inline bool TilesAllowed() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl
  static const bool allowed = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return allowed;
}

// Instructions are written out because GCC 12's intrinsics do not say that they read memory.
inline void LoadTileConfig(const TileConfig& config) { asm volatile("ldtilecfg %0" ::"m"(config)); }

inline void ReleaseTiles() { asm volatile("tilerelease" ::: "memory"); }

template <int kTile>
void ZeroTile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}

// Rows are `stride` bytes apart.
template <int kTile>
void LoadTile(const void* rows, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(rows), "r"(stride), "i"(kTile) : "memory");
}

template <int kTile>
void StoreTile(void* rows, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(rows), "r"(stride), "i"(kTile) : "memory");
}

// sums += left right: [rows, columns] floats, [rows, depth] pairs, [depth, columns] pairs.
template <int kSums, int kLeft, int kRight>
void MultiplyTiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kLeft), "i"(kRight));
}

}  // namespace
}  // namespace ocellus::kernels::cpu
#endif
