// What the parts of a layer are written with: views of scratch memory, and norms and products
// whose tensors are found by slot.
#pragma once

#include <cstdint>

#include "backend/ops.h"
#include "model/internal/layer.h"

namespace chasqui::model {

inline backend::Matrix view(const Buffer& buffer, int64_t rows, int64_t cols) {
  return backend::dense(buffer.as<float>(), rows, cols);
}

// Columns [begin, begin + cols) of `matrix`.
inline backend::Matrix columns(const backend::Matrix& matrix, int64_t begin, int64_t cols) {
  return {matrix.data + begin, matrix.rows, cols, matrix.stride};
}

inline backend::Matrix residual_of(const LayerContext& c) {
  return view(c.activations.residual, c.rows, c.spec.hidden);
}

// A norm of the spec's kind: the slot of its weights and, where there are some, of its biases.
struct NormSlots {
  Slot weight;
  Slot bias = Slot::kCount;
};

// out = norm(x), row by row.
void norm_rows(const LayerContext& c, const backend::Matrix& x, NormSlots slots,
               const backend::Matrix& out);

// `x` under the norm, written to `room`; `x` itself in models that lack the norm.
backend::Matrix normed_or_same(const LayerContext& c, const backend::Matrix& x, NormSlots slots,
                               const backend::Matrix& room);

// Normalises `x` in place where the model has the norm.
void norm_in_place(const LayerContext& c, const backend::Matrix& x, NormSlots slots);

// y = x W^T + bias, from one slot; the bias where there is one.
struct ProductSlots {
  Slot weight;
  Slot bias = Slot::kCount;
};
void product(const LayerContext& c, const backend::Matrix& x, ProductSlots slots,
             const backend::Matrix& y);
backend::LinearTarget target(const LayerContext& c, ProductSlots slots, const backend::Matrix& y);

}  // namespace chasqui::model
