#include "quant/nvfp4.h"

#include <algorithm>
#include <cmath>

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/fp4.h"

namespace chasqui::quant {

float nvfp4_half_scale(uint8_t code) {
  if ((code & 0x7f) == 0x7f) return 0;
  const int exponent = code >> 3 & 15;
  const float mantissa = static_cast<float>(code & 7);
  if (exponent == 0) return mantissa * 0x1.0p-10f;
  return std::ldexp(8 + mantissa, exponent - 7 - 3 - 1);
}

void decode_nvfp4(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockNVFP4>(from, b);
    for (int g = 0; g < 4; ++g, to += 16) {
      const float scale = nvfp4_half_scale(block.d[g]);
      for (int i = 0; i < 8; ++i) {
        to[i] = internal::kFp4Values[block.qs[g * 8 + i] & 15] * scale;
        to[i + 8] = internal::kFp4Values[block.qs[g * 8 + i] >> 4] * scale;
      }
    }
  }
}

namespace {

constexpr int kLargestCode = 0x7e;

// Tries the codes around the first that holds the peak. Smaller ones clip it; larger ones put it
// on a lower value than the format's largest, below which the values lie closer: half an octave up
// the peak meets 4 instead of 6. Idea of the latter: https://arxiv.org/abs/2512.02010
uint8_t best_scale(const float* x, const float* w) {
  constexpr int kTriesBelow = 5;
  constexpr int kTriesAbove = 6;
  const float wanted = std::fabs(internal::signed_peak<16>(x)) / internal::kFp4Largest;
  int holds = 0;  // the codes rise with the scale
  while (holds < kLargestCode && nvfp4_half_scale(static_cast<uint8_t>(holds)) < wanted) ++holds;
  const int last = std::min(holds + kTriesAbove, kLargestCode);
  int best = holds;
  float best_error = INFINITY;
  for (int code = std::max(holds - kTriesBelow, 0); code <= last; ++code) {
    const float scale = nvfp4_half_scale(static_cast<uint8_t>(code));
    const float error = internal::fp4_error(x, w, 16, scale, internal::inverse(scale));
    if (error < best_error) {
      best = code;
      best_error = error;
    }
  }
  return static_cast<uint8_t>(best);
}

}  // namespace

void encode_nvfp4(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const float* w = internal::block_weights<64>(weights, b);
    BlockNVFP4 block;
    for (int g = 0; g < 4; ++g, from += 16) {
      block.d[g] = best_scale(from, w + g * 16);
      const float inv = internal::inverse(nvfp4_half_scale(block.d[g]));
      for (int i = 0; i < 8; ++i) {
        const int low = internal::nearest_fp4(from[i] * inv);
        const int high = internal::nearest_fp4(from[i + 8] * inv);
        block.qs[g * 8 + i] = static_cast<uint8_t>(low | high << 4);
      }
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
