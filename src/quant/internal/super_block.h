// The search that the K-quants share: 256 values in groups, the groups' scales themselves rounded
// to small integers under one half. First every group is fitted freely, then the scales are
// rounded, then the values are rounded again with the scales that the decoder will see. Where a
// group has scale and minimum, the neighbours of both roundings are tried too, since the errors of
// the two can cancel: that lowers the rmse by 1 % (Q4_K) to 3 % (Q2_K, Q5_K).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant::internal {

struct SuperBlockSearch {
  int max_q;      // values are 0..max_q
  int max_scale;  // scales and minima are 0..max_scale
  int tries;      // see fit_scale_min
  float step;
};

// value = d * scale * q - dmin * min, group by group.
template <int kGroups>
struct FittedSuperBlock {
  uint16_t d = 0;     // half
  uint16_t dmin = 0;  // half
  uint8_t scale[kGroups];
  uint8_t min[kGroups];
  uint8_t q[256];
};

// Weighted squared error of x ~ scale * q - min with the best q in 0..max_q.
template <int kN>
float rounding_error(const float* x, const float* w, float scale, float min, float max_q) {
  const float inv = inverse(scale);
  const Vec4 low = splat4(0);
  const Vec4 high = splat4(max_q);
  Vec4 sum = splat4(0);
  for (int i = 0; i < kN; i += 4) {
    const Vec4 shifted = load4(x + i) + min;
    const Vec4 error = shifted - scale * quantize4(shifted * inv, low, high);
    sum += load4(w + i) * error * error;
  }
  return total(sum);
}

// A group's scale and minimum as integers in 0..max.
struct RoundedGroup {
  float scale = 0;
  float min = 0;
};

// Of the nine neighbours of `wanted` (in units of d and dmin), the one with the least error.
template <int kN>
RoundedGroup best_neighbour(const float* x, const float* w, const RoundedGroup& wanted, float d,
                            float dmin, const SuperBlockSearch& search) {
  const float max = static_cast<float>(search.max_scale);
  RoundedGroup best;
  float best_error = INFINITY;
  for (int step = 0; step < 9; ++step) {
    const RoundedGroup near = {
        quantize(wanted.scale + static_cast<float>(step / 3 - 1), 0, max),
        quantize(wanted.min + static_cast<float>(step % 3 - 1), 0, max),
    };
    const float error =
        rounding_error<kN>(x, w, d * near.scale, dmin * near.min, static_cast<float>(search.max_q));
    if (error >= best_error) continue;
    best_error = error;
    best = near;
  }
  return best;
}

template <int kGroups, int kGroupSize>
FittedSuperBlock<kGroups> fit_super_block(const float* x, const float* w,
                                          const SuperBlockSearch& search) {
  static_assert(kGroups * kGroupSize == 256);
  ScaleMin groups[kGroups];
  float largest_scale = 0;
  float largest_min = 0;
  for (int g = 0; g < kGroups; ++g) {
    groups[g] = fit_scale_min<kGroupSize>(x + g * kGroupSize, w + g * kGroupSize, search.max_q,
                                          search.tries, search.step, true);
    largest_scale = std::max(largest_scale, groups[g].scale);
    largest_min = std::max(largest_min, -groups[g].min);
  }

  FittedSuperBlock<kGroups> out;
  const float max_q = static_cast<float>(search.max_q);
  out.d = scale_to_half(largest_scale / static_cast<float>(search.max_scale));
  out.dmin = scale_to_half(largest_min / static_cast<float>(search.max_scale));
  const float d = half_to_float(out.d);
  const float dmin = half_to_float(out.dmin);
  for (int g = 0; g < kGroups; ++g) {
    const float* values = x + g * kGroupSize;
    const RoundedGroup wanted = {groups[g].scale * inverse(d), -groups[g].min * inverse(dmin)};
    const RoundedGroup group =
        best_neighbour<kGroupSize>(values, w + g * kGroupSize, wanted, d, dmin, search);
    out.scale[g] = static_cast<uint8_t>(group.scale);
    out.min[g] = static_cast<uint8_t>(group.min);
    const float inv = inverse(d * group.scale);
    const float min = dmin * group.min;
    for (int i = 0; i < kGroupSize; ++i) {
      out.q[g * kGroupSize + i] = static_cast<uint8_t>(quantize((values[i] + min) * inv, 0, max_q));
    }
  }
  return out;
}

// The same without minima: value = d * scale * q with signed scales and values.
struct SignedSearch {
  int low_q;      // values are low_q..-low_q - 1
  int low_scale;  // scales are low_scale..-low_scale - 1
  int tries;      // see fit_scale
  float step;
};

struct FittedSigned {
  uint16_t d = 0;  // half
  int8_t scale[16];
  int8_t q[256];
};

// 16 groups of 16 values.
inline FittedSigned fit_signed_super_block(const float* x, const float* w,
                                           const SignedSearch& search) {
  float scales[16];
  for (int g = 0; g < 16; ++g) {
    scales[g] = fit_scale<16>(x + g * 16, w + g * 16, search.low_q, -search.low_q - 1, search.tries,
                              search.step);
  }
  // The largest scale takes the end of the range that is one longer.
  FittedSigned out;
  const float low_scale = static_cast<float>(search.low_scale);
  const float low_q = static_cast<float>(search.low_q);
  out.d = scale_to_half(signed_peak<16>(scales) / low_scale);
  const float d = half_to_float(out.d);
  for (int g = 0; g < 16; ++g) {
    const float scale = quantize(scales[g] * inverse(d), low_scale, -low_scale - 1);
    out.scale[g] = static_cast<int8_t>(scale);
    const float inv = inverse(d * scale);
    for (int i = g * 16; i < (g + 1) * 16; ++i) {
      out.q[i] = static_cast<int8_t>(quantize(x[i] * inv, low_q, -low_q - 1));
    }
  }
  return out;
}

}  // namespace chasqui::quant::internal
