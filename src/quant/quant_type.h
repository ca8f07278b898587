// The block formats of GGUF tensors: what the bits of a block mean. One row a type; everything
// that needs to understand a weight starts here, and a type that has only this row already works
// on every backend through scalar decode.
// Thread-safe: all functions are pure.
// Block layouts: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (format facts);
// K-quants: https://github.com/ggml-org/llama.cpp/pull/1684
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "tensor/dtype.h"
#include "tensor/tensor_view.h"

namespace chasqui::quant {

struct QuantType {
  DType type;
  // Expands `blocks` whole blocks at `from` to f32, bit for bit what the format defines.
  // `from` needs no alignment; the areas do not overlap.
  void (*decode)(const std::byte* from, float* to, int64_t blocks);
  // Rounds to the format, deterministically; nullptr where we cannot write the type.
  // NaN and infinity in the input give unspecified but valid blocks.
  void (*encode)(const float* from, std::byte* to, int64_t blocks);
};

// Every type whose values we can read, ordered by code.
std::span<const QuantType> all_quant_types();

// nullptr when the type is known by name (tensor/dtype.h) but cannot be decoded.
const QuantType* find_quant_type(DType type);

// Decodes `values` values (a whole number of blocks). REQUIRES: find_quant_type(type).
void decode_row(DType type, const std::byte* from, std::span<float> to);

// Half precision, IEEE 754 binary16 and bfloat16; round to nearest even.
float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);

}  // namespace chasqui::quant
