#include "model/internal/layer_ops.h"

namespace chasqui::model {

using backend::Matrix;

void norm_rows(const LayerContext& c, const Matrix& x, NormSlots slots, const Matrix& out) {
  c.backend.norm({.kind = c.spec.norm,
                  .x = x,
                  .group = x.cols,
                  .weight = c.weights.vector(slots.weight),
                  .bias = c.weights.vector(slots.bias),
                  .eps = c.spec.norm_eps,
                  .out = out});
}

Matrix normed_or_same(const LayerContext& c, const Matrix& x, NormSlots slots, const Matrix& room) {
  if (c.weights.vector(slots.weight) == nullptr) return x;
  norm_rows(c, x, slots, room);
  return room;
}

void norm_in_place(const LayerContext& c, const Matrix& x, NormSlots slots) {
  if (c.weights.vector(slots.weight) != nullptr) norm_rows(c, x, slots, x);
}

backend::LinearTarget target(const LayerContext& c, ProductSlots slots, const Matrix& y) {
  return {c.weights.matrix(slots.weight), c.weights.vector(slots.bias), y};
}

void product(const LayerContext& c, const Matrix& x, ProductSlots slots, const Matrix& y) {
  const backend::LinearTarget targets[] = {target(c, slots, y)};
  c.backend.linear({x, targets});
}

}  // namespace chasqui::model
