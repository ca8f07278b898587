// The search that the K-quants share: 256 values in groups, the groups' scales themselves rounded
// to small integers under one half. First every group is fitted freely, then the scales are
// rounded, then the values are rounded again with the scales that the decoder will see.
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

template <int kGroups, int kGroupSize>
FittedSuperBlock<kGroups> fit_super_block(const float* x, const SuperBlockSearch& search) {
  static_assert(kGroups * kGroupSize == 256);
  ScaleMin groups[kGroups];
  float largest_scale = 0;
  float largest_min = 0;
  for (int g = 0; g < kGroups; ++g) {
    groups[g] = fit_scale_min<kGroupSize>(x + g * kGroupSize, search.max_q, search.tries,
                                          search.step, true);
    largest_scale = std::max(largest_scale, groups[g].scale);
    largest_min = std::max(largest_min, -groups[g].min);
  }

  FittedSuperBlock<kGroups> out;
  const float max_scale = static_cast<float>(search.max_scale);
  const float max_q = static_cast<float>(search.max_q);
  out.d = scale_to_half(largest_scale / max_scale);
  out.dmin = scale_to_half(largest_min / max_scale);
  const float d = half_to_float(out.d);
  const float dmin = half_to_float(out.dmin);
  for (int g = 0; g < kGroups; ++g) {
    const float scale = quantize(groups[g].scale * inverse(d), 0, max_scale);
    const float min = quantize(-groups[g].min * inverse(dmin), 0, max_scale);
    out.scale[g] = static_cast<uint8_t>(scale);
    out.min[g] = static_cast<uint8_t>(min);
    const float inv = inverse(d * scale);
    for (int i = g * kGroupSize; i < (g + 1) * kGroupSize; ++i) {
      out.q[i] = static_cast<uint8_t>(quantize((x[i] + dmin * min) * inv, 0, max_q));
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
inline FittedSigned fit_signed_super_block(const float* x, const SignedSearch& search) {
  float scales[16];
  for (int g = 0; g < 16; ++g) {
    scales[g] =
        fit_scale<16>(x + g * 16, search.low_q, -search.low_q - 1, search.tries, search.step);
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
