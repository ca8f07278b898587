// A weight matrix (or a stack of one an expert) as the CPU backend computes with it. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "backend/backend.h"
#include "backend/cpu/pack.h"
#include "base/mapped_file.h"
#include "tensor/tensor_view.h"

namespace chasqui::backend::cpu {

class MatrixWeight final : public Weight {
 public:
  // Decoded on the fly from the bytes of the model file, with f32 activations: exact, slow.
  explicit MatrixWeight(const TensorView& view) : Weight(view), view_(view) {}

  // Packed panels in memory, or at `offset` in a cache file.
  MatrixWeight(const TensorView& view, std::shared_ptr<std::byte> panels)
      : Weight(view), view_(view), memory_(std::move(panels)), panels_(memory_.get()) {
    shape_ = panel_shape(view.type, view.cols());
  }
  MatrixWeight(const TensorView& view, MappedFile file, size_t offset)
      : Weight(view), view_(view), file_(std::move(file)), panels_(file_.bytes().data() + offset) {
    shape_ = panel_shape(view.type, view.cols());
  }

  std::span<const std::byte> host_memory() const override {
    if (!packed()) return view_.bytes;
    return {panels_, static_cast<size_t>(packed_bytes(shape_, rows()) * experts())};
  }

  bool packed() const { return panels_ != nullptr; }
  // REQUIRES: packed().
  const PanelShape& shape() const { return shape_; }
  const std::byte* panels(int64_t expert) const {
    return panels_ + expert * packed_bytes(shape_, rows());
  }

  // REQUIRES: !packed(). The rows of one expert as they lie in the model file.
  const std::byte* file_rows(int64_t expert) const {
    return view_.bytes.data() +
           view_.bytes.size() / static_cast<size_t>(experts()) * static_cast<size_t>(expert);
  }

 private:
  TensorView view_;
  std::shared_ptr<std::byte> memory_;
  MappedFile file_;
  PanelShape shape_;
  const std::byte* panels_ = nullptr;
};

}  // namespace chasqui::backend::cpu
