// The 4-bit floats (E2M1) of MXFP4 and NVFP4: sign, two bits of exponent, one of mantissa. All
// values are doubled here, which makes them integers; the formats halve their scales instead.
// Reference: OCP Microscaling Formats (MX) Specification 1.0, section 5.3.3.
#pragma once

#include <cmath>
#include <cstdint>

namespace chasqui::quant::internal {

inline constexpr float kFp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
inline constexpr float kFp4Largest = 12;

// The code nearest to `value` (doubled). Between two of them: the smaller. NaN gives 0.
inline int nearest_fp4(float value) {
  const float size = std::fabs(value);
  const int code = (size > 0.5f) + (size > 1.5f) + (size > 2.5f) + (size > 3.5f) + (size > 5.0f) +
                   (size > 7.0f) + (size > 10.0f);
  return code | (value < 0 && code != 0 ? 8 : 0);
}

// Weighted squared error of `count` values rounded with this scale.
inline float fp4_error(const float* x, const float* w, int count, float scale, float inv) {
  float sum = 0;
  for (int i = 0; i < count; ++i) {
    const float error = x[i] - scale * kFp4Values[nearest_fp4(x[i] * inv)];
    sum += w[i] * error * error;
  }
  return sum;
}

}  // namespace chasqui::quant::internal
