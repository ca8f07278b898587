// Compiled once per instruction-set level.
#include "backend/cpu/recurrent_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

RecurrentKernels recurrent_kernels();

namespace {

void convolve(const float* const* inputs, int64_t taps, const float* weights, int64_t weight_stride,
              float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    F32x16 acc = zero();
    for (int64_t t = 0; t < taps; ++t) {
      acc = fma(load_first(weights + t * weight_stride + i, lanes),
                load_first(inputs[t] + i, lanes), acc);
    }
    store_first(out + i, acc, lanes);
  }
}

// Sums over the key dimension run in four chains, key i in chain i % 4, so that an addition need
// not wait for the one before it; they are joined in one order.
constexpr int kChains = 4;

CHASQUI_INLINE F32x16 joined(const F32x16* sums) {
  return add(add(sums[0], sums[1]), add(sums[2], sums[3]));
}

// Calls f(i, chain) for all keys in order.
template <typename F>
CHASQUI_INLINE void each_key(int64_t key_dim, F f) {
  int64_t i = 0;
  for (; i + kChains <= key_dim; i += kChains) {
    CHASQUI_UNROLL
    for (int c = 0; c < kChains; ++c) f(i + c, c);
  }
  for (int c = 0; i + c < key_dim; ++c) f(i + c, c);
}

struct KeyPair {
  const float* q;
  const float* k;
};

// Lets one row pass; S^T q of the new state, not scaled.
CHASQUI_INLINE F32x16 pass(KeyPair at, int64_t key_dim, F32x16 value, F32x16 decay, F32x16 beta,
                           float* tile) {
  F32x16 known[kChains] = {zero(), zero(), zero(), zero()};
  each_key(key_dim, [&](int64_t i, int c) {
    known[c] = fma(load(tile + i * kStateLanes), set1(at.k[i]), known[c]);
  });
  const F32x16 change = mul(beta, fnma(decay, joined(known), value));
  F32x16 read[kChains] = {zero(), zero(), zero(), zero()};
  each_key(key_dim, [&](int64_t i, int c) {
    float* row = tile + i * kStateLanes;
    const F32x16 next = fma(set1(at.k[i]), change, mul(decay, load(row)));
    store(row, next);
    read[c] = fma(next, set1(at.q[i]), read[c]);
  });
  return joined(read);
}

void delta(const DeltaRun& run, float* tile) {
  for (int64_t r = 0; r < run.rows; ++r) {
    const KeyPair keys = {run.q + r * run.key_stride, run.k + r * run.key_stride};
    const F32x16 value = load_first(run.v + r * run.v_stride, run.lanes);
    const F32x16 decay = set1(run.decay[r * run.gate_stride]);
    const F32x16 beta = set1(run.beta[r * run.gate_stride]);
    const F32x16 read = pass(keys, run.key_dim, value, decay, beta, tile);
    store_first(run.out + r * run.out_stride, mul(read, set1(run.scale)), run.lanes);
  }
}

void load_tile(const float* state, int64_t stride, int64_t key_dim, int lanes, float* tile) {
  for (int64_t i = 0; i < key_dim; ++i) {
    store(tile + i * kStateLanes,
          state == nullptr ? zero() : load_first(state + i * stride, lanes));
  }
}

void store_tile(float* state, int64_t stride, int64_t key_dim, int lanes, const float* tile) {
  for (int64_t i = 0; i < key_dim; ++i) {
    store_first(state + i * stride, load(tile + i * kStateLanes), lanes);
  }
}

}  // namespace

RecurrentKernels recurrent_kernels() {
  return {convolve, delta, load_tile, store_tile};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
