#include "sample/internal/candidates.h"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include "sample/internal/math.h"

namespace chasqui::sample {
namespace {

// 64 floats are four cache lines: 2,000 maxima for a vocabulary of 128k, where the selection
// among the maxima (about 10 us) and the search of 40 winning blocks cost about the same.
constexpr size_t kBlock = 64;
constexpr size_t kLanes = 8;
constexpr float kNone = -std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();

// Looking further than the first look costs a new selection; four times as many each time keeps
// the sum of all looks linear.
constexpr size_t kFirstLook = 64;
constexpr size_t kLookGrowth = 4;

std::span<const float> block_of(std::span<const float> logits, size_t block) {
  const size_t begin = block * kBlock;
  return logits.subspan(begin, std::min(kBlock, logits.size() - begin));
}

// NaN never wins a comparison, so it drops out here without a test of its own.
float max_of(std::span<const float> values) {
  std::array<float, kLanes> lanes;
  lanes.fill(kNone);
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = values[i + lane] > lanes[lane] ? values[i + lane] : lanes[lane];
    }
  }
  float best = kNone;
  for (; i < values.size(); ++i) best = values[i] > best ? values[i] : best;
  for (float lane : lanes) best = lane > best ? lane : best;
  return best;
}

}  // namespace

void Candidates::reset(std::span<const float> logits) {
  logits_ = logits;
  inverse_temperature_ = 1.0f;
  found_.clear();
  whole_ = true;
  floor_ = kNone;
  complete_ = false;
  block_max_.resize((logits.size() + kBlock - 1) / kBlock);
  for (size_t b = 0; b < block_max_.size(); ++b) block_max_[b] = max_of(block_of(logits, b));

  const float best = max_of(block_max_);
  empty_ = best == kNone;
  if (empty_) return;
  const size_t block = std::find(block_max_.begin(), block_max_.end(), best) - block_max_.begin();
  const auto values = block_of(logits, block);
  const size_t at = std::find(values.begin(), values.end(), best) - values.begin();
  front_ = {static_cast<int32_t>(block * kBlock + at), std::min(best, kLargest)};
}

float Candidates::weight_of(float logit) const {
  return exp_weight(((logit < kLargest ? logit : kLargest) - front_.logit) * inverse_temperature_);
}

// Fixed lanes, so that the order of the additions is the same at every ISA level.
double Candidates::sum_block(size_t block) const {
  const auto values = block_of(logits_, block);
  float weights[kBlock] = {};
  for (size_t i = 0; i < values.size(); ++i) {
    const float weight = weight_of(values[i]);
    weights[i] = values[i] >= floor_ ? weight : 0.0f;
  }
  std::array<float, kLanes> lanes{};
  for (size_t i = 0; i < kBlock; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += weights[i + lane];
  }
  double sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

void Candidates::gather(float threshold) {
  gathered_.clear();
  for (size_t b = 0; b < block_max_.size(); ++b) {
    if (block_max_[b] < threshold || block_max_[b] == kNone) continue;
    const auto values = block_of(logits_, b);
    for (size_t i = 0; i < values.size(); ++i) {
      if (!(values[i] >= threshold) || values[i] == kNone) continue;
      gathered_.push_back({static_cast<int32_t>(b * kBlock + i), std::min(values[i], kLargest)});
    }
  }
}

void Candidates::select(size_t n) {
  if (!whole_ || complete_ || found_.size() >= n) return;
  float threshold = floor_;
  if (n < block_max_.size()) {
    // The n-th largest block maximum: at least n logits reach it, so the n best do too.
    scratch_ = block_max_;
    std::nth_element(scratch_.begin(), scratch_.begin() + (n - 1), scratch_.end(),
                     std::greater<float>());
    threshold = std::max(floor_, scratch_[n - 1]);
  }
  gather(threshold);
  complete_ = gathered_.size() <= n && threshold == floor_;
  const size_t kept = std::min(n, gathered_.size());
  const auto end = gathered_.begin() + static_cast<ptrdiff_t>(kept);
  if (end != gathered_.end()) std::nth_element(gathered_.begin(), end, gathered_.end(), better);
  std::sort(gathered_.begin(), end, better);
  found_.assign(gathered_.begin(), end);
}

std::span<const Candidate> Candidates::best(size_t n) {
  if (empty_) return {};
  select(std::min(n, logits_.size()));
  return std::span<const Candidate>(found_).first(std::min(n, found_.size()));
}

std::span<const Candidate> Candidates::unordered() {
  if (empty_) return {};
  if (!whole_ || complete_) return found_;
  gather(floor_);
  return gathered_;
}

double Candidates::total() {
  double sum = 0;
  if (whole_) {
    for (size_t b = 0; b < block_max_.size(); ++b) sum += sum_block(b);
  } else {
    for (const Candidate& c : found_) sum += weight(c);
  }
  return sum;
}

size_t Candidates::prefix_of_mass(double mass) {
  double sum = 0;
  size_t i = 0;
  for (size_t look = kFirstLook;; look *= kLookGrowth) {
    const auto seen = best(look);
    for (; i < seen.size(); ++i) {
      sum += weight(seen[i]);
      if (sum >= mass) return i + 1;
    }
    if (seen.size() < look) return std::max<size_t>(1, i);
  }
}

size_t Candidates::prefix_of_weight(float bound) {
  size_t i = 1;
  for (size_t look = kFirstLook;; look *= kLookGrowth) {
    const auto seen = best(look);
    for (; i < seen.size(); ++i) {
      if (weight(seen[i]) < bound) return i;
    }
    if (seen.size() < look) return i;
  }
}

void Candidates::keep(size_t n) {
  if (empty_ || (whole_ && n >= logits_.size())) return;
  select(n);
  if (found_.size() > n) found_.resize(n);
  whole_ = false;
}

void Candidates::keep_weight(double bound) {
  if (empty_ || !(bound > 0)) return;
  const double distance = log_real(std::min(bound, 1.0)) / inverse_temperature_;
  const auto floor = static_cast<float>(front_.logit + distance);
  const auto below = [floor](const Candidate& c) { return c.logit < floor; };
  found_.erase(std::find_if(found_.begin(), found_.end(), below), found_.end());
  if (whole_) {
    floor_ = std::max(floor_, floor);
    complete_ = false;
  }
}

void Candidates::replace(std::vector<Candidate> kept) {
  found_ = std::move(kept);
  front_ = found_.front();  // the best may be gone (typical): weights are relative to the best left
  whole_ = false;
}

Candidate Candidates::walk_vocabulary(double target) const {
  double sum = 0;
  Candidate last = front_;
  for (size_t b = 0; b < block_max_.size(); ++b) {
    const double block_sum = sum_block(b);
    if (sum + block_sum <= target) {
      sum += block_sum;
      continue;
    }
    const auto values = block_of(logits_, b);
    for (size_t i = 0; i < values.size(); ++i) {
      const double w = weight_of(values[i]);
      if (w <= 0 || values[i] < floor_) continue;
      sum += w;
      last = {static_cast<int32_t>(b * kBlock + i), std::min(values[i], kLargest)};
      if (sum > target) return last;
    }
  }
  return last;  // rounding kept the sum just below the target
}

Candidate Candidates::at_fraction(double fraction) {
  const double target = fraction * total();
  if (whole_) return walk_vocabulary(target);
  double sum = 0;
  for (const Candidate& c : found_) {
    sum += weight(c);
    if (sum > target) return c;
  }
  // Rounding kept the sum just below the target: the last one that has any weight.
  const auto weighted = std::find_if(found_.rbegin(), found_.rend(),
                                     [this](const Candidate& c) { return weight(c) > 0; });
  return weighted == found_.rend() ? front_ : *weighted;
}

}  // namespace chasqui::sample
