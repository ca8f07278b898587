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
  // Rounds to the format, deterministically, so that the sum of squared errors, each times the
  // weight of its value, becomes small. `weights`: one for each value, positive and finite (only
  // their ratios matter), usually the mean square of what the value is multiplied with; nullptr:
  // all the same. Formats of single values and Q8_0 do not look at them.
  // NaN and infinity in the input give unspecified but valid blocks.
  void (*encode)(const float* from, const float* weights, std::byte* to, int64_t blocks);
  // So few bits that without weights the result is not worth having.
  bool needs_weights = false;
};

// Every type whose values we can read, ordered by code.
std::span<const QuantType> all_quant_types();

// nullptr when the type is known by name (tensor/dtype.h) but cannot be decoded.
const QuantType* find_quant_type(DType type);

// Decodes `values` values (a whole number of blocks). REQUIRES: find_quant_type(type).
void decode_row(DType type, const std::byte* from, std::span<float> to);

// Encodes a whole number of blocks; `weights` is empty or as long. REQUIRES: find_quant_type(type).
void encode_row(DType type, std::span<const float> from, std::span<const float> weights,
                std::byte* to);

// Half precision, IEEE 754 binary16 and bfloat16; round to nearest even.
float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);

}  // namespace chasqui::quant
