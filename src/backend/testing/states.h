// States with sequences in them, for the tests of conv_update and delta_rule.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/host_states.h"
#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {

// One sequence: the state of each of its blocks; -1: not wanted.
using StateTable = std::vector<int32_t>;

class States {
 public:
  // All bits set at first, which is NaN: nothing may be read that was not written.
  States(Backend& backend, const StateSpec& spec) {
    auto pool = backend.allocate_states(spec);
    EXPECT_TRUE(pool) << pool.error().message;
    pool_ = std::move(*pool);
    const std::span<std::byte> bytes = host().bytes();
    std::memset(bytes.data(), 0xff, bytes.size());
  }

  StatePart part(int64_t begin = 0) { return {pool_.get(), begin}; }
  std::vector<float> values(int32_t state) {
    const float* from = host().at(state);
    return {from, from + pool_->spec().floats};
  }
  void set(int32_t state, const std::vector<float>& values) {
    std::ranges::copy(values, host().at(state));
  }

 private:
  HostStatePool& host() { return static_cast<HostStatePool&>(*pool_); }

  std::unique_ptr<StatePool> pool_;
};

// Rows [first, first + count) of a matrix.
inline Matrix rows_of(const Matrix& m, int64_t first, int64_t count) {
  return {m.data + first * m.stride, count, m.cols, m.stride};
}

// A delta rule and the rows that it takes; random numbers in the sizes that models have.
struct DeltaScene {
  int64_t key_heads;
  int64_t value_heads;
  int64_t key_dim;
  int64_t value_dim;
  KeySharing sharing = KeySharing::kGrouped;
  bool mixed_gates = false;  // of a key head side by side, first beta and then alpha
  int64_t tokens = 1;
  Rows q, k, v, alpha, beta, dt_bias, decay;

  static DeltaScene random(Rng& rng, int64_t tokens) {
    const int64_t key_heads = 1 + static_cast<int64_t>(rng.below(3));
    const int64_t value_heads = key_heads * (1 + static_cast<int64_t>(rng.below(3)));
    const int64_t key_dim = 1 + static_cast<int64_t>(rng.below(70));
    const int64_t value_dim = 1 + static_cast<int64_t>(rng.below(70));
    const bool mixed = rng.below(2) == 0;
    Rows alpha = random_rows(rng, tokens, value_heads * (mixed ? 2 : 1), 2.0f);
    Rows beta = mixed ? alpha : random_rows(rng, tokens, value_heads, 2.0f);
    DeltaScene scene{key_heads,
                     value_heads,
                     key_dim,
                     value_dim,
                     rng.below(2) == 0 ? KeySharing::kGrouped : KeySharing::kTiled,
                     mixed,
                     tokens,
                     random_rows(rng, tokens, key_heads * key_dim),
                     random_rows(rng, tokens, key_heads * key_dim),
                     random_rows(rng, tokens, value_heads * value_dim),
                     std::move(alpha),
                     std::move(beta),
                     random_rows(rng, 1, value_heads),
                     random_rows(rng, 1, value_heads)};
    for (float& decay : scene.decay.values()) decay = -std::abs(decay);
    return scene;
  }

  int64_t floats() const { return value_heads * key_dim * value_dim; }

  // Everything but states and output, for rows [first, first + count).
  DeltaRuleArgs args(int64_t first, int64_t count) {
    DeltaRuleArgs args;
    args.q = rows_of(q.matrix(), first, count);
    args.k = rows_of(k.matrix(), first, count);
    args.v = rows_of(v.matrix(), first, count);
    const int64_t share = mixed_gates ? value_heads / key_heads : value_heads;
    args.alpha = {rows_of(alpha.matrix(), first, count), share, share * (mixed_gates ? 2 : 1)};
    args.beta = {rows_of(beta.matrix(), first, count), share, share * (mixed_gates ? 2 : 1)};
    if (mixed_gates) {
      args.alpha.x.data += share;
      args.alpha.x.cols -= share;
    }
    args.dt_bias = dt_bias.matrix().data;
    args.decay = decay.matrix().data;
    args.key_heads = key_heads;
    args.value_heads = value_heads;
    args.sharing = sharing;
    args.scale = 0.5f;
    return args;
  }
};

}  // namespace chasqui::backend::testing
