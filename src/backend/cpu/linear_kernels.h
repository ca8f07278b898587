// The kernels of linear and expert_linear: what one call computes, in which layout. Plain data;
// linear.cc fills the tasks, linear_*_kernels.cc (once per instruction-set level) carry them out.
//
// Packed weights. A panel is 16 output rows, one in each lane; rows beyond the matrix are zero.
// Along K it is cut into groups of 32 values. In each panel four sections follow one another, each
// padded to 64 bytes: what belongs to a super-block of several groups (16 halves a quantity), what
// belongs to a group (scales and minima), the high bits, and the low bits or whole bytes:
//   8-bit: 8 vectors of 64 bytes, byte 4 * lane + i of vector j is value 4 j + i;
//   low 4 bits: 4 vectors; low nibbles of vector j are those of 8-bit vector j, high nibbles those
//     of vector j + 4;
//   low 2 bits: 2 vectors; bits 2 i, 2 i + 1 of vector h belong to vector 4 h + i;
//   one high bit: 1 vector; bit j of a byte belongs to vector j;
//   two high bits: 2 vectors, as the low 2 bits.
// These are unsigned values, or codes that stand for them (codebooks.h); the format's constant
// offset is folded into the start of the integer sum.
//
// Arithmetic, the same on every path, so that results do not depend on the number of tokens: for
// each group in order, sum = fma(dot, scale * x.scale, sum), where dot is the exact integer dot
// product; then, for formats with minima, sum = fnma(min, x.sum, sum). Formats with two scales a
// group: sum = fma(fma(high dot, high scale, low dot * low scale), x.scale, sum); with minima of
// both halves: before the outer fma the inner sum takes fma(-32 sum of q, minimum / 32, .) of the
// low and then of the high half.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace chasqui::backend::cpu {

constexpr int kPanelRows = 16;
constexpr int kGroupValues = 32;
// Tokens that the fused kernels hold in registers, and with them the widest block of x.
constexpr int kMaxFusedTokens = 8;
// Groups that are unpacked at a time for many tokens; a multiple of every super-block.
constexpr int kTileGroups = 8;
// k values that a float tile holds.
constexpr int kFloatTileValues = 128;

// How an integer format packs; the columns are bytes per group except where they say otherwise.
struct PackShape {
  int quant_bytes;   // 64 for each of 0, 2, 4 or 8 low bits
  int high_bytes;    // 0, 64 (one more bit) or 128 (two)
  int scale_bytes;   // group scales and minima
  int super_bytes;   // bytes per super-block
  int super_groups;  // groups in a super-block, 1 when super_bytes is 0
};

enum PackKind {
  kPackQ4_0,
  kPackQ4_1,
  kPackQ5_0,
  kPackQ5_1,
  kPackQ8_0,
  kPackQ4_K,
  kPackQ5_K,
  kPackQ6_K,
  kPackIQ4_NL,
  kPackIQ4_XS,
  kPackMXFP4,
  kPackNVFP4,
  kPackKinds
};

constexpr PackShape kPackShapes[kPackKinds] = {
    {256, 0, 32, 0, 1},     // Q4_0: f16 scale
    {256, 0, 64, 0, 1},     // Q4_1: f16 scale, f16 -minimum
    {256, 64, 32, 0, 1},    // Q5_0
    {256, 64, 64, 0, 1},    // Q5_1
    {512, 0, 32, 0, 1},     // Q8_0
    {256, 0, 32, 64, 8},    // Q4_K: u8 scale, u8 minimum; super-block: f16 d, f16 dmin
    {256, 64, 32, 64, 8},   // Q5_K
    {256, 128, 32, 32, 8},  // Q6_K: s8 scales of both halves; super-block: f16 d
    {256, 0, 32, 0, 1},     // IQ4_NL: f16 scale
    {256, 0, 16, 32, 8},    // IQ4_XS: s8 scale; super-block: f16 d
    {256, 0, 16, 0, 1},     // MXFP4: exponent
    {256, 0, 32, 0, 1},     // NVFP4: 8-bit float scales of both halves
};

// Activations as signed bytes: x = q * scale with |q| <= 127, a scale for each token and group.
// Ordered as the tile path walks them, so that a panel reads one linear stream: runs of
// kTileGroups groups; in each run blocks of `block_tokens` tokens (the last one may be narrower);
// in each block group by group. A block's record of one group, for T tokens, all 4 bytes wide:
//   quads [8][T]: bytes 4 j .. 4 j + 3 of each token's 32. Tokens are neighbours because the cache
//     serves loads from different banks in parallel, and equal places in different lines do not;
//   kXFloats x [T]: what the kernels need to know of the group, see XField.
enum XField {
  kXScale,    // f32
  kXSum,      // f32: scale * sum of q
  kXStart8,   // i32: minus a format's offset times the sum of q, the first value of the
  kXStart16,  //   integer sum
  kXStart128,
  kXStart32,      // offset 32, first 16 values
  kXStart32High,  // last 16 values
  kXFields
};
constexpr int kXRecordBytes = kGroupValues + 4 * kXFields;  // a token and group

struct QuantizeTask {
  const float* const* x;  // [tokens] rows of groups * 32 values
  int64_t groups;
  int64_t tokens;
  int64_t block_tokens;
  int64_t token_begin, token_end;  // the tokens that this call writes
  uint8_t* out;                    // tokens * groups * kXRecordBytes
};

// Panels [0, panels) at `weights` times all tokens.
struct QuantTask {
  const uint8_t* weights;
  int64_t panel_bytes;
  int64_t scale_at, high_at, quant_at;  // sections, from the start of a panel
  int64_t groups;
  int64_t first_row;  // of panel 0
  int64_t panels;
  int64_t rows;      // of the whole matrix; the last panel may be cut
  const uint8_t* x;  // see XField; block_tokens = tokens for the fused kernels
  int64_t tokens;
  float* const* y;    // [tokens] result rows, from output 0 on
  const float* bias;  // from output first_row on, or null
  uint8_t* scratch;   // tile path, see LinearKernels::tile_bytes; 64-byte aligned
};

// Packed float panels (k-major, 16 rows a k) times f32 rows.
enum FloatKind { kFloat32, kFloat16, kFloatBrain, kFloatKinds };
struct FloatTask {
  const uint8_t* weights;
  int64_t panel_bytes;
  int64_t cols;
  int64_t first_row;
  int64_t panels;
  int64_t rows;
  const float* const* x;  // [tokens]
  int64_t tokens;
  float* const* y;
  const float* bias;
  uint8_t* scratch;  // as for QuantTask
};

// sums[token][lane] (+)= tile of `values` k times x[token][x_begin + k]: the step from which
// formats without a kernel of their own are computed.
struct FloatTileTask {
  const float* tile;  // [values][16]
  int64_t values;
  const float* const* x;  // [tokens]
  int64_t x_begin;
  int64_t tokens;
  float* sums;  // [tokens][16]
};

struct LinearKernels {
  int tile_tokens;           // block width of x when there are more than kMaxFusedTokens tokens
  int tile_panels;           // panels that the tile path computes together
  int64_t tile_bytes;        // scratch of the tile path: tile_bytes + tokens * tile_panels * 64
  int64_t float_tile_bytes;  // the same for float weights
  void (*quantize)(const QuantizeTask& task);
  // tokens <= kMaxFusedTokens: weights go straight from memory through registers.
  void (*fused[kPackKinds])(const QuantTask& task);
  // Any number of tokens, in blocks of tile_tokens: unpacks tiles into the first-level cache.
  void (*tiled[kPackKinds])(const QuantTask& task);
  void (*floats[kFloatKinds])(const FloatTask& task);
  // tile: kFloatTileValues columns or fewer.
  // tile: at most kFloatTileValues columns.
  void (*float_tile)(const FloatTileTask& task);
};

}  // namespace chasqui::backend::cpu
