// Rotation angles. The frequencies of a rope are fixed when the model is loaded (in double
// precision, with linear, YaRN or per-pair scaling applied); each step turns them into a table of
// cosines and sines for its rows, shared by all layers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model_spec.h"

namespace chasqui::model {

// g(mscale) of RopeSpec.
double yarn_magnitude(const RopeSpec& spec, double mscale);

class RopeTable {
 public:
  // `factors`: optional, [rotated / 2], each divides its pair's frequency.
  RopeTable(const RopeSpec& spec, const float* factors);

  int64_t floats_per_row() const { return static_cast<int64_t>(frequencies_.size()) * 2; }
  // Radians a position, one for each pair.
  std::span<const double> frequencies() const { return frequencies_; }

  // Writes [positions, rotated / 2, 2]: cosine and sine of each angle times the magnitude.
  void fill(std::span<const int32_t> positions, float* out) const;

 private:
  std::vector<double> frequencies_;
  double magnitude_ = 1.0;
};

}  // namespace chasqui::model
