#include "model/internal/rope_tables.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace chasqui::model {
namespace {

// The pair whose wavelength makes `rotations` turns over the original context (YaRN, section 3.2).
double yarn_pair(const RopeSpec& spec, double rotations) {
  const double context = static_cast<double>(spec.original_context);
  return static_cast<double>(spec.rotated) *
         std::log(context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(spec.base));
}

// How much of pair `pair` keeps its unscaled frequency: 1 for fast pairs, 0 for slow ones.
double yarn_kept(const RopeSpec& spec, int64_t pair) {
  const double last = static_cast<double>(spec.rotated - 1);
  const double low = std::max(0.0, std::floor(yarn_pair(spec, spec.yarn_beta_fast)));
  const double high = std::min(last, std::ceil(yarn_pair(spec, spec.yarn_beta_slow)));
  const double ramp = (static_cast<double>(pair) - low) / std::max(0.001, high - low);
  return (1.0 - std::clamp(ramp, 0.0, 1.0)) * spec.yarn_extrapolation;
}

}  // namespace

double yarn_magnitude(const RopeSpec& spec, double mscale) {
  return spec.factor > 1 ? 1.0 + 0.1 * mscale * std::log(spec.factor) : 1.0;
}

RopeTable::RopeTable(const RopeSpec& spec, const float* factors)
    : magnitude_(spec.attention_factor) {
  const double stretch = spec.scaling == RopeScaling::kNone ? 1.0 : 1.0 / spec.factor;
  for (int64_t pair = 0; pair < spec.rotated / 2; ++pair) {
    double frequency =
        std::pow(spec.base, -2.0 * static_cast<double>(pair) / static_cast<double>(spec.rotated));
    if (factors != nullptr) frequency /= static_cast<double>(factors[pair]);
    const double kept = spec.scaling == RopeScaling::kYarn ? yarn_kept(spec, pair) : 0.0;
    frequencies_.push_back(frequency * (stretch * (1.0 - kept) + kept));
  }
  if (spec.scaling == RopeScaling::kYarn && spec.yarn_extrapolation > 0) {
    magnitude_ *=
        yarn_magnitude(spec, spec.yarn_mscale) / yarn_magnitude(spec, spec.yarn_mscale_all);
  }
}

void RopeTable::fill(std::span<const int32_t> positions, float* out) const {
  for (const int32_t position : positions) {
    for (const double frequency : frequencies_) {
      const double angle = frequency * position;
      *out++ = static_cast<float>(std::cos(angle) * magnitude_);
      *out++ = static_cast<float>(std::sin(angle) * magnitude_);
    }
  }
}

}  // namespace chasqui::model
