// Four floats that are computed together, in the language extension that gcc and clang share. The
// searches of the encoders are written with it because compilers do not find the vectors by
// themselves in loops with several sums. The lanes are fixed, so results are the same everywhere.
#pragma once

#include <cstring>

namespace chasqui::quant::internal {

using Vec4 = float __attribute__((vector_size(16)));

inline Vec4 load4(const float* x) {
  Vec4 v;
  std::memcpy(&v, x, sizeof(v));
  return v;
}

inline Vec4 splat4(float value) {
  return Vec4{value, value, value, value};
}

inline float total(Vec4 v) {
  return (v[0] + v[1]) + (v[2] + v[3]);
}

// See round_small() and quantize() in fit.h, whose twin for four values this is.
inline Vec4 quantize4(Vec4 v, Vec4 lo, Vec4 hi) {
  const Vec4 shift = splat4(12582912.0f);
  const Vec4 below = hi < v ? hi : v;
  const Vec4 within = lo < below ? below : lo;
  return (within + shift) - shift;
}

}  // namespace chasqui::quant::internal
