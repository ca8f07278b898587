// How often measured values fell into each of some ranges, as monitoring reads it: cheap to record,
// never wrong under threads, of fixed size.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"

namespace chasqui {

struct HistogramSnapshot {
  std::span<const double> bounds;  // ascending, inclusive upper ends; the last range has none
  std::vector<int64_t> counts;     // bounds.size() + 1 of them, each of its own range only
  double sum = 0.0;                // of the values

  int64_t count() const {
    int64_t total = 0;
    for (const int64_t each : counts) total += each;
    return total;
  }
};

class Histogram {
 public:
  static constexpr size_t kMaxBounds = 24;

  // `bounds`: ascending, at most kMaxBounds; must outlive this and its snapshots (a constant table).
  explicit Histogram(std::span<const double> bounds) : bounds_(bounds) {
    CHASQUI_CHECK(bounds.size() <= kMaxBounds, "{} bounds", bounds.size());
  }

  // Any thread, without a lock.
  void record(double value) {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<size_t>(at)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  // Any thread. Values recorded meanwhile may be in the counts and not yet in the sum.
  HistogramSnapshot snapshot() const {
    HistogramSnapshot snapshot{bounds_, std::vector<int64_t>(bounds_.size() + 1), 0.0};
    for (size_t i = 0; i < snapshot.counts.size(); ++i) {
      snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    snapshot.sum = sum_.load(std::memory_order_relaxed);
    return snapshot;
  }

 private:
  const std::span<const double> bounds_;
  std::array<std::atomic<int64_t>, kMaxBounds + 1> counts_{};
  std::atomic<double> sum_{0.0};
};

}  // namespace chasqui
