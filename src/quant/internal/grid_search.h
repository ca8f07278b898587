// The entry of a grid (iq_grids.h) that is nearest to a run of values, exactly.
//
// Squared errors add up over the values of a run. An entry is two halves of bits, so the errors of
// all halves that occur are two small tables, and an entry costs one addition; an upper half whose
// error alone, with the least of any lower one, is no better than what was found is passed over
// with all its entries. That makes the exact search about as cheap as the usual walk through lists
// of near entries, and it holds for any weights.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace chasqui::quant::internal {

// kValues values of kBits bits each, value i at bit i * kBits. Immutable after construction.
template <int kValues, int kBits>
class GridSearch {
 public:
  static_assert(kValues % 4 == 0 && kValues * kBits <= 16);
  static constexpr int kRun = kValues;

  // `grid`: ascending, no code at or above levels.size(); must outlive the search. `levels`: what
  // the codes stand for.
  GridSearch(std::span<const uint16_t> grid, std::span<const float> levels)
      : grid_(grid), level_count_(static_cast<int>(levels.size())) {
    std::copy(levels.begin(), levels.end(), levels_.begin());
    std::array<bool, kHalves> seen = {};
    for (size_t i = 0; i < grid.size(); ++i) {
      const int upper = grid[i] >> kHalfBits;
      if (buckets_.empty() || buckets_.back().upper != upper) {
        buckets_.push_back({upper, static_cast<int>(i), 0});
      }
      buckets_.back().end = static_cast<int>(i) + 1;
      const int lower = grid[i] & (kHalves - 1);
      if (!seen[static_cast<size_t>(lower)]) lowers_.push_back(lower);
      seen[static_cast<size_t>(lower)] = true;
    }
  }

  struct Nearest {
    int index = 0;
    float error = INFINITY;
  };

  // The entry with the least sum of w * (x - scale * (level + shift))^2; of equal ones the first
  // found, in an order that depends only on the arguments.
  Nearest nearest(const float* x, const float* w, float scale, float shift) const {
    float parts[4][kQuarters];
    for (int part = 0; part < 4; ++part) fill_part(part, x, w, scale, shift, parts[part]);
    float lower[kHalves];
    float least = INFINITY;
    for (const int half : lowers_) {
      lower[half] = parts[0][half & (kQuarters - 1)] + parts[1][half >> kQuarterBits];
      least = std::min(least, lower[half]);
    }
    Nearest best;
    const auto visit = [&](const Bucket& bucket) {
      const float upper =
          parts[2][bucket.upper & (kQuarters - 1)] + parts[3][bucket.upper >> kQuarterBits];
      if (!(upper + least < best.error)) return;
      for (int i = bucket.begin; i < bucket.end; ++i) {
        const float error = upper + lower[grid_[static_cast<size_t>(i)] & (kHalves - 1)];
        if (error < best.error) best = {i, error};
      }
    };
    visit(buckets_[best_bucket(parts[2], parts[3])]);
    for (const Bucket& bucket : buckets_) visit(bucket);
    return best;
  }

  float level(int index, int value) const {
    return levels_[static_cast<size_t>(grid_[static_cast<size_t>(index)] >> (kBits * value) &
                                       ((1 << kBits) - 1))];
  }

 private:
  static constexpr int kHalfBits = kValues * kBits / 2;
  static constexpr int kHalves = 1 << kHalfBits;
  static constexpr int kQuarterBits = kHalfBits / 2;
  static constexpr int kQuarters = 1 << kQuarterBits;

  // Entries begin..end share their upper half.
  struct Bucket {
    int upper;
    int begin;
    int end;
  };

  // Errors of all codes of one value, or of two neighbouring ones, which are a quarter of a run.
  void fill_part(int part, const float* x, const float* w, float scale, float shift,
                 float* errors) const {
    constexpr int kPartValues = kValues / 4;
    float single[kPartValues][1 << kBits];
    for (int v = 0; v < kPartValues; ++v) {
      for (int code = 0; code < level_count_; ++code) {
        const float miss =
            x[part * kPartValues + v] - scale * (levels_[static_cast<size_t>(code)] + shift);
        single[v][code] = w[part * kPartValues + v] * miss * miss;
      }
    }
    if constexpr (kPartValues == 1) {
      for (int code = 0; code < level_count_; ++code) errors[code] = single[0][code];
    } else {
      for (int high = 0; high < level_count_; ++high) {
        for (int low = 0; low < level_count_; ++low) {
          errors[high << kBits | low] = single[0][low] + single[1][high];
        }
      }
    }
  }

  size_t best_bucket(const float* low_part, const float* high_part) const {
    size_t best = 0;
    float least = INFINITY;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      const int upper = buckets_[i].upper;
      const float error = low_part[upper & (kQuarters - 1)] + high_part[upper >> kQuarterBits];
      if (error < least) {
        least = error;
        best = i;
      }
    }
    return best;
  }

  std::span<const uint16_t> grid_;
  std::array<float, 1 << kBits> levels_ = {};
  int level_count_;
  std::vector<Bucket> buckets_;  // in the order of the grid
  std::vector<int> lowers_;      // the lower halves that occur
};

}  // namespace chasqui::quant::internal
