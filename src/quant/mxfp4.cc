#include "quant/mxfp4.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/fp4.h"

namespace chasqui::quant {

float mxfp4_half_scale(uint8_t e) {
  // 2^-128 and 2^-127 are subnormal floats.
  const uint32_t bits = e < 2 ? 0x00200000u << e : (e - 1u) << 23;
  return std::bit_cast<float>(bits);
}

void decode_mxfp4(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 32) {
    const auto block = internal::load_block<BlockMXFP4>(from, b);
    const float scale = mxfp4_half_scale(block.e);
    for (int i = 0; i < 16; ++i) {
      to[i] = internal::kFp4Values[block.qs[i] & 15] * scale;
      to[i + 16] = internal::kFp4Values[block.qs[i] >> 4] * scale;
    }
  }
}

namespace {

// Twelve times its scale is still a finite float.
constexpr int kLargestExponent = 252;

// The power of two with the least error: the smallest that holds the peak, the next smaller one
// (which clips it) or the one after that.
uint8_t best_exponent(const float* x, const float* w) {
  const float peak = std::fabs(internal::signed_peak<32>(x));
  if (!(peak > 0) || !std::isfinite(peak)) return peak > 0 ? kLargestExponent : 0;
  const int holds = std::ilogb(peak / internal::kFp4Largest) + 1 + 128;
  int best = 0;
  float best_error = INFINITY;
  for (int e = holds; e >= holds - 2; --e) {
    const int bounded = std::clamp(e, 0, kLargestExponent);
    const float scale = mxfp4_half_scale(static_cast<uint8_t>(bounded));
    const float error = internal::fp4_error(x, w, 32, scale, internal::inverse(scale));
    if (error < best_error) {
      best = bounded;
      best_error = error;
    }
  }
  return static_cast<uint8_t>(best);
}

}  // namespace

void encode_mxfp4(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 32) {
    const float* w = internal::block_weights<32>(weights, b);
    BlockMXFP4 block;
    block.e = best_exponent(from, w);
    const float inv = internal::inverse(mxfp4_half_scale(block.e));
    for (int i = 0; i < 16; ++i) {
      const int low = internal::nearest_fp4(from[i] * inv);
      block.qs[i] = static_cast<uint8_t>(low | internal::nearest_fp4(from[i + 16] * inv) << 4);
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
