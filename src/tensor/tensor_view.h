// A tensor that somebody else owns: type, shape and bytes. Dimension 0 is the contiguous one, as
// in GGUF: a weight matrix that maps `cols` inputs to `rows` outputs has dims {cols, rows}.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace chasqui {

struct TensorView {
  DType type = DType::kF32;
  std::array<int64_t, 4> dims = {1, 1, 1, 1};  // unused dimensions are 1
  std::span<const std::byte> bytes;            // exactly the tensor, rows without padding

  int64_t cols() const { return dims[0]; }
  int64_t rows() const { return dims[1]; }
  int64_t elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
};

}  // namespace chasqui
