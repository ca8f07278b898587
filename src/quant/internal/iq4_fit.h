// The search for the scale of IQ4_NL and IQ4_XS, whose codes stand for unevenly spaced values.
// The same idea as in fit.h: candidates around the peak, least squares for each.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "quant/internal/fit.h"
#include "quant/iq4_nl.h"

namespace chasqui::quant::internal {

// Nearest code by table: a value is rounded to an integer first, which is finer than the codes.
class Iq4Nearest {
 public:
  Iq4Nearest() {
    for (int v = -128; v < 128; ++v) {
      int best = 0;
      for (int code = 1; code < 16; ++code) {
        if (std::abs(kIq4Values[code] - v) < std::abs(kIq4Values[best] - v)) best = code;
      }
      codes_[v + 128] = static_cast<uint8_t>(best);
    }
  }

  int code(float value) const { return codes_[static_cast<int>(quantize(value, -128, 127)) + 128]; }

 private:
  uint8_t codes_[256];
};

// The best scale for 32 values; it may be negative, since the codes reach further down than up.
inline float fit_iq4_scale(const Iq4Nearest& nearest, const float* x, const float* w) {
  // Of 4 to 10 candidates a side, 2 to 8 units apart, all are within 0.3 % of rmse of each other.
  constexpr int kTries = 4;
  constexpr float kStep = 5.0f;  // in units of the codes' values, whose gaps are 9 to 24
  const float peak = signed_peak<32>(x);
  ScaleFit best;
  for (int t = -kTries; t <= kTries; ++t) {
    const float inv =
        inverse(peak) * (static_cast<float>(kIq4Values[0]) + kStep * static_cast<float>(t));
    float xq = 0;
    float qq = 0;
    for (int i = 0; i < 32; ++i) {
      const float q = static_cast<float>(kIq4Values[nearest.code(x[i] * inv)]);
      xq += w[i] * x[i] * q;
      qq += w[i] * q * q;
    }
    const ScaleFit fit{xq / qq, xq * xq / qq};  // no code stands for 0, so qq > 0
    if (fit.gain > best.gain) best = fit;
  }
  return best.scale;
}

}  // namespace chasqui::quant::internal
