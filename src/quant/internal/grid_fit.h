// The search that the IQ1, IQ2 and IQ3 formats share: 256 values in groups that share a scale, the
// scales themselves rounded to small integers under one half, the values of a run rounded together
// to the nearest entry of a grid (grid_search.h). As in super_block.h every group is fitted freely
// first, then the scales are rounded (with their neighbours tried too) and the entries searched
// again; at the end least squares give the common scale for the entries that were chosen.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "quant/internal/fit.h"
#include "quant/internal/grid_search.h"
#include "quant/internal/half.h"

namespace chasqui::quant::internal {

enum class GridSigns {
  kNone,  // the grid's own
  kFree,  // a bit for each value
  kEven,  // for every 8 values an even number of minus signs
};

struct GridFormat {
  int group;  // values that share a scale: a multiple of 8
  int codes;  // scales are 0..codes - 1, and code c multiplies by first + step * c
  float first;
  float step;
  GridSigns signs;
  float shift = 0;        // all levels of a run are moved up or down by this
  bool each_run = false;  // every run has its own direction; otherwise a group has one
  // Scales that are tried for a group: those that put its peak at `top` times the largest level,
  // for `tries` values of top from top_begin on. On normally distributed values those of the
  // formats are within 0.1 % of the rmse of three times as many.
  float top_begin;
  float top_step;
  int tries;
};

// A run's entry and direction.
struct GridChoice {
  uint16_t index = 0;
  bool down = false;
};

struct FittedGrid {
  uint16_t d = 0;  // half
  uint8_t scale[32] = {};
  GridChoice run[64];
  uint8_t signs[32] = {};  // of values 8 i to 8 i + 7; bit set: negative
};

// Magnitudes with the signs taken out as the format allows. Where the number of minus signs is odd
// but must be even, the value whose wrong sign costs least keeps a minus.
inline void split_signs(GridSigns kind, const float* x, const float* w, float* y, uint8_t* signs) {
  std::copy(x, x + 256, y);
  if (kind == GridSigns::kNone) return;
  for (int at = 0; at < 256; at += 8) {
    unsigned bits = 0;
    int cheapest = at;
    for (int i = at; i < at + 8; ++i) {
      if (x[i] < 0) bits |= 1u << (i - at);
      y[i] = std::fabs(x[i]);
      if (w[i] * y[i] < w[cheapest] * y[cheapest]) cheapest = i;
    }
    if (kind == GridSigns::kEven && std::popcount(bits) % 2 != 0) {
      bits ^= 1u << (cheapest - at);
      y[cheapest] = -y[cheapest];
    }
    signs[at / 8] = static_cast<uint8_t>(bits);
  }
}

template <class Search>
class GridFitter {
 public:
  // Both must outlive the fitter.
  GridFitter(const Search& search, const GridFormat& format, float largest_level)
      : search_(search), format_(format), largest_level_(largest_level + format.shift) {}

  // x, w: [256].
  FittedGrid fit(const float* x, const float* w) const {
    float y[256];
    FittedGrid out;
    split_signs(format_.signs, x, w, y, out.signs);
    const int groups = 256 / format_.group;
    float scales[32];
    float largest = 0;
    for (int g = 0; g < groups; ++g) {
      scales[g] = fit_group(y + g * format_.group, w + g * format_.group);
      largest = std::max(largest, scales[g]);
    }
    out.d = scale_to_half(largest / multiplier(format_.codes - 1));
    for (int round = 0; round < kRounds; ++round) {
      for (int g = 0; g < groups; ++g) round_group(y, w, g, scales[g], out);
      out.d = refit(y, w, out);
    }
    return out;
  }

 private:
  static constexpr int kRun = Search::kRun;
  // The second round, with the refitted d, gains 0.5 % to 1 % of rmse, further ones next to
  // nothing.
  static constexpr int kRounds = 2;

  float multiplier(int code) const {
    return format_.first + format_.step * static_cast<float>(code);
  }
  int group_runs() const { return format_.group / kRun; }
  float shift(bool down) const { return down ? -format_.shift : format_.shift; }

  // The best entries of a group's runs at `scale`; returns the weighted squared error.
  float choose(const float* y, const float* w, float scale, GridChoice* to) const {
    if (format_.each_run || format_.shift == 0) return choose_runs(y, w, scale, {}, to);
    GridChoice down[8];
    const float error_up = choose_runs(y, w, scale, {.down = false, .fixed = true}, to);
    const float error_down = choose_runs(y, w, scale, {.down = true, .fixed = true}, down);
    if (!(error_down < error_up)) return error_up;
    std::copy(down, down + group_runs(), to);
    return error_down;
  }

  struct Direction {
    bool down = false;
    bool fixed = false;
  };
  float choose_runs(const float* y, const float* w, float scale, Direction direction,
                    GridChoice* to) const {
    float sum = 0;
    for (int r = 0; r < group_runs(); ++r, y += kRun, w += kRun) {
      auto best = search_.nearest(y, w, scale, shift(direction.down));
      bool down = direction.down;
      if (!direction.fixed && format_.shift != 0) {
        const auto other = search_.nearest(y, w, scale, shift(true));
        down = other.error < best.error;
        if (down) best = other;
      }
      to[r] = {static_cast<uint16_t>(best.index), down};
      sum += best.error;
    }
    return sum;
  }

  // Adds the sums of least squares for y ~ scale * level over one run.
  void add_run(const float* y, const float* w, GridChoice choice, double multiplier, double& yv,
               double& vv) const {
    for (int i = 0; i < kRun; ++i) {
      const double v = multiplier * (search_.level(choice.index, i) + shift(choice.down));
      yv += w[i] * v * y[i];
      vv += w[i] * v * v;
    }
  }

  // Least squares for the entries that `scale` leads to.
  ScaleFit solve(const float* y, const float* w, float scale) const {
    GridChoice choices[8];
    choose(y, w, scale, choices);
    double yv = 0;
    double vv = 0;
    for (int r = 0; r < group_runs(); ++r)
      add_run(y + r * kRun, w + r * kRun, choices[r], 1, yv, vv);
    if (!(yv > 0 && vv > 0)) return {};
    return {static_cast<float>(yv / vv), static_cast<float>(yv * yv / vv)};
  }

  // The best scale of one group; 0 when all values are 0.
  float fit_group(const float* y, const float* w) const {
    float peak = 0;
    for (int i = 0; i < format_.group; ++i) peak = std::max(peak, std::fabs(y[i]));
    if (!(peak > 0) || !std::isfinite(peak)) return 0;
    ScaleFit best;
    for (int t = 0; t < format_.tries; ++t) {
      const float top = format_.top_begin + format_.top_step * static_cast<float>(t);
      const ScaleFit fit = solve(y, w, peak / (top * largest_level_));
      if (fit.gain > best.gain) best = fit;
    }
    const ScaleFit again = solve(y, w, best.scale);
    return again.gain > best.gain ? again.scale : best.scale;
  }

  // Scale and entries of group `g` under out.d.
  void round_group(const float* y, const float* w, int g, float wanted, FittedGrid& out) const {
    y += g * format_.group;
    w += g * format_.group;
    GridChoice* runs = out.run + g * group_runs();
    const float d = half_to_float(out.d);
    const float last = static_cast<float>(format_.codes - 1);
    const float middle = (wanted * inverse(d) - format_.first) / format_.step;
    float least = INFINITY;
    for (int near = -1; near <= 1; ++near) {
      const auto code = static_cast<int>(quantize(middle + static_cast<float>(near), 0, last));
      GridChoice choices[8];
      const float error = choose(y, w, d * multiplier(code), choices);
      if (!(error < least)) continue;
      least = error;
      out.scale[g] = static_cast<uint8_t>(code);
      std::copy(choices, choices + group_runs(), runs);
    }
  }

  // The best d for scales and entries as they are.
  uint16_t refit(const float* y, const float* w, const FittedGrid& out) const {
    double yv = 0;
    double vv = 0;
    for (int r = 0; r < 256 / kRun; ++r) {
      const float scale = multiplier(out.scale[r / group_runs()]);
      add_run(y + r * kRun, w + r * kRun, out.run[r], scale, yv, vv);
    }
    const double d = yv / vv;
    return d > 0 && std::isfinite(d) ? scale_to_half(static_cast<float>(d)) : out.d;
  }

  const Search& search_;
  const GridFormat& format_;
  const float largest_level_;
};

}  // namespace chasqui::quant::internal
