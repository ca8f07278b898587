#include "model/internal/pooled_heads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace chasqui::model {
namespace {

constexpr Slot kNoBias = Slot::kCount;
constexpr Slot kDense[] = {Slot::kDense2, Slot::kDense3};
constexpr Slot kMatrices[] = {Slot::kDense2, Slot::kDense3, Slot::kClassifier,
                              Slot::kClassifierOutput};

// What the rules of tensors cannot say: that layers fit each other, and a bias its matrix.
Status check_shapes(const gguf::File& file, int64_t hidden, const SlotSet& weights) {
  int64_t width = hidden;
  for (const Slot slot : kDense) {
    const backend::Weight* dense = weights.matrix(slot);
    if (dense == nullptr) continue;
    if (dense->cols() != width) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{}: a dense layer behind the pooling (dense_2.weight, "
                              "dense_3.weight) has {} inputs, but what it reads has {} values",
                              file.path(), dense->cols(), width));
    }
    width = dense->rows();
  }
  const backend::Weight* output = weights.matrix(Slot::kClassifierOutput);
  const Loaded& bias = weights.at(Slot::kClassifierOutputBias);
  if (output == nullptr || bias.vector == nullptr) return {};
  const auto values = static_cast<int64_t>(bias.storage.size() / sizeof(float));
  if (values == output->rows()) return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("{}: cls.output.bias has {} values, but cls.output.weight {} outputs",
                          file.path(), values, output->rows()));
}

}  // namespace

Result<PooledHeads> PooledHeads::make(const gguf::File& file, const ModelSpec& spec,
                                      const SlotSet& weights, backend::Backend& backend) {
  CHASQUI_TRY_STATUS(check_shapes(file, spec.hidden, weights));
  PooledHeads heads;
  heads.spec_ = &spec;
  heads.weights_ = &weights;
  heads.backend_ = &backend;
  heads.embedding_size_ = spec.hidden;
  for (const Slot slot : kDense) {
    if (weights.matrix(slot) != nullptr) heads.embedding_size_ = weights.matrix(slot)->rows();
  }
  // Without an output layer the classifier's own values are the outputs.
  for (const Slot slot : {Slot::kClassifier, Slot::kClassifierOutput}) {
    if (weights.matrix(slot) != nullptr) heads.rank_outputs_ = weights.matrix(slot)->rows();
  }
  int64_t widest = 0;
  for (const Slot slot : kMatrices) {
    const backend::Weight* matrix = weights.matrix(slot);
    if (matrix != nullptr) widest = std::max({widest, matrix->rows(), matrix->cols()});
  }
  if (widest == 0) return heads;
  const auto bytes = static_cast<size_t>(widest) * sizeof(float);
  CHASQUI_TRY(heads.in_, backend.allocate(bytes));
  CHASQUI_TRY(heads.out_, backend.allocate(bytes));
  return heads;
}

std::vector<float> PooledHeads::embed(std::vector<float> pooled) const {
  for (const Slot slot : kDense) {
    if (weights_->matrix(slot) != nullptr) pooled = product(pooled, slot, kNoBias);
  }
  return pooled;
}

std::vector<float> PooledHeads::rank(std::vector<float> pooled) const {
  CHASQUI_CHECK(rank_outputs_ > 0, "a model without a classifier");
  if (weights_->matrix(Slot::kClassifier) != nullptr) {
    pooled = product(pooled, Slot::kClassifier, Slot::kClassifierBias);
    activate(pooled);
    normalize(pooled);
  }
  if (weights_->matrix(Slot::kClassifierOutput) == nullptr) return pooled;
  return product(pooled, Slot::kClassifierOutput, Slot::kClassifierOutputBias);
}

std::vector<float> PooledHeads::product(const std::vector<float>& x, Slot weight, Slot bias) const {
  const backend::Weight& matrix = *weights_->matrix(weight);
  std::ranges::copy(x, in_.as<float>());
  const auto y = backend::dense(out_.as<float>(), 1, matrix.rows());
  const backend::LinearTarget targets[] = {{&matrix, weights_->vector(bias), y}};
  backend_->linear({backend::dense(in_.as<float>(), 1, matrix.cols()), targets});
  std::vector<float> result(static_cast<size_t>(matrix.rows()));
  backend_->read(y.data, result.data(), matrix.rows());
  return result;
}

void PooledHeads::activate(std::vector<float>& x) const {
  for (float& value : x) {
    const auto v = static_cast<double>(value);
    const double result = spec_->rank_head.activation == HeadActivation::kTanh
                              ? std::tanh(v)
                              : v * 0.5 * (1.0 + std::erf(v / std::numbers::sqrt2));
    value = static_cast<float>(result);
  }
}

void PooledHeads::normalize(std::vector<float>& x) const {
  const float* weight = weights_->vector(Slot::kClassifierNorm);
  if (weight == nullptr) return;
  const auto width = static_cast<int64_t>(x.size());
  std::ranges::copy(x, in_.as<float>());
  const auto row = backend::dense(in_.as<float>(), 1, width);
  backend_->norm({.kind = spec_->norm,
                  .x = row,
                  .group = width,
                  .weight = weight,
                  .eps = spec_->norm_eps,
                  .out = row});
  backend_->read(row.data, x.data(), width);
}

}  // namespace chasqui::model
