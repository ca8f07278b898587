// Kernels of conv_update and delta_rule.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// Columns of a state that are kept in a buffer while rows pass: one vector.
constexpr int kStateLanes = 16;

// Neighbouring rows of one head and sequence, for `lanes` of its value columns. Pointers stand at
// the first row, the strides lead to the next.
struct DeltaRun {
  int64_t rows;
  const float* q;
  const float* k;
  int64_t key_stride;  // of q and k
  const float* v;
  int64_t v_stride;
  const float* decay;  // g of each row
  const float* beta;   // b of each row
  int64_t gate_stride;
  int64_t key_dim;
  int lanes;  // 1 .. kStateLanes
  float scale;
  float* out;
  int64_t out_stride;
};

struct RecurrentKernels {
  // out[i] = sum over t, in order, of weights[t * weight_stride + i] * inputs[t][i].
  void (*convolve)(const float* const* inputs, int64_t taps, const float* weights,
                   int64_t weight_stride, float* out, int64_t n);
  // tile: [key_dim, kStateLanes], changed by each row.
  void (*delta)(const DeltaRun& run, float* tile);
  // Columns of a state with rows of `stride` into a tile and back; no state: zeros.
  void (*load_tile)(const float* state, int64_t stride, int64_t key_dim, int lanes, float* tile);
  void (*store_tile)(float* state, int64_t stride, int64_t key_dim, int lanes, const float* tile);
};

}  // namespace chasqui::backend::cpu
