// One sequence on a loaded model against what a reference computed with the same file: logits at
// some positions, greedy tokens as far as they are certain, and the logits behind them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "model/session.h"
#include "support/golden_model.h"

namespace chasqui::testing {

// A cache in f32, so that only the model's own arithmetic differs. REQUIRES: n_ctx % 16 == 0.
inline void allocate_exact_cache(model::Model& model, int64_t n_ctx) {
  model::CacheOptions cache;
  cache.blocks.assign(model.spec().cache_windows.size(), n_ctx / 16);
  cache.key_type = cache.value_type = DType::kF32;
  ASSERT_TRUE(model.allocate_cache(cache));
}

// REQUIRES: the model's cache is allocated. A greedy token counts where its margin is more than
// twice the tolerance.
inline void expect_logits(model::Model& model, const ExpectedLogits& expected, double tolerance) {
  model::Session session(model, expected.n_ctx);
  const auto vocab = static_cast<size_t>(model.spec().vocab);
  auto logits = session.feed(expected.tokens, expected.positions);
  ASSERT_TRUE(logits) << logits.error().message;
  ASSERT_EQ(logits->size(), expected.logits.size() * vocab);
  for (size_t i = 0; i < expected.logits.size(); ++i) {
    const std::span<const float> row(logits->data() + i * vocab, vocab);
    EXPECT_LT(max_difference(row, expected.logits[i]), tolerance)
        << "position " << expected.positions[i];
  }
  std::vector<float> last(logits->end() - static_cast<std::ptrdiff_t>(vocab), logits->end());
  for (size_t i = 0; i < expected.greedy.size(); ++i) {
    const auto best = static_cast<int32_t>(std::ranges::max_element(last) - last.begin());
    if (expected.margins[i] > 2 * tolerance) {
      EXPECT_EQ(best, expected.greedy[i]) << i;
    }
    const int32_t fed[] = {expected.greedy[i]};
    const int64_t wanted[] = {0};
    last = *session.feed(fed, wanted);
  }
  EXPECT_LT(max_difference(last, expected.logits_after_greedy), tolerance);
}

}  // namespace chasqui::testing
