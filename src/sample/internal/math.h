// exp and log that give the same bits on every machine: the C library picks a variant with or
// without fused multiply-add by the processor it runs on, and a last bit there may decide which
// token is drawn. Plain IEEE additions and multiplications only.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace chasqui::sample {

// e^x for x <= 0, relative error below 3e-7 (range reduction by ln 2, Taylor to the 7th power).
// 0 below -87, where the result would leave the normal floats, and for NaN. Branch-free, so that
// loops over the vocabulary become SIMD code.
inline float exp_weight(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = x > -87.0f ? x : -87.0f;
  const float shifted = clamped * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRound) + 127;
  const float scale = std::bit_cast<float>(exponent << 23);
  const int32_t in_range = -static_cast<int32_t>(x > -87.0f);  // a mask: a choice would branch
  return std::bit_cast<float>(std::bit_cast<int32_t>(p * scale) & in_range);
}

// Natural logarithm of a finite x > 0, error below 1e-15 (2 artanh((m-1)/(m+1)) by its series).
inline double log_real(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
  return 2 * s * sum + exponent * 0.69314718055994531;
}

// e^x for |x| < 700, relative error below 1e-15; the bounds are returned beyond.
inline double exp_real(double x) {
  if (!(x > -700)) return 0;
  if (x > 700) x = 700;
  const double n = std::nearbyint(x * 1.4426950408889634);
  const double r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
  double sum = 1;
  for (int k = 16; k >= 1; --k) sum = 1 + sum * r / k;
  return std::ldexp(sum, static_cast<int>(n));
}

}  // namespace chasqui::sample
