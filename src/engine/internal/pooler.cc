#include "engine/internal/pooler.h"

namespace chasqui::engine {

void Pooler::add_row(std::span<const float> hidden) {
  ++rows_;
  if (pooling_ == Pooling::kFirst && rows_ > 1) return;
  if (pooling_ == Pooling::kLast || rows_ == 1) {
    sum_.assign(hidden.begin(), hidden.end());
    return;
  }
  for (size_t i = 0; i < sum_.size(); ++i) sum_[i] += static_cast<double>(hidden[i]);
}

std::vector<float> Pooler::result() const {
  const double divisor = pooling_ == Pooling::kMean ? static_cast<double>(rows_) : 1.0;
  std::vector<float> pooled(sum_.size());
  for (size_t i = 0; i < sum_.size(); ++i) pooled[i] = static_cast<float>(sum_[i] / divisor);
  return pooled;
}

}  // namespace chasqui::engine
