// Files of latent attention from before 2025 hold one matrix that makes a head's keys and values
// from the latent vector (attn_kv_b). The absorbed form of the mixer (mixer_latent.cc) wants its
// two parts on their own, the one for keys transposed.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "tensor/buffer.h"
#include "tensor/tensor_view.h"

namespace chasqui::model {

// The rows of the matrix are for each head `plain_key` that make its key's part without rope, then
// `value` that make its value; the columns are the latent vector.
struct LatentHeads {
  int64_t heads = 0;
  int64_t plain_key = 0;
  int64_t value = 0;
};

// A part on its own: `view` points into `bytes`.
struct SplitPart {
  Buffer bytes;
  TensorView view;
};

// REQUIRES: whole.dims is [rank, heads * (plain_key + value), 1, 1], and its type can be decoded.
// [plain_key, rank, heads], in f32 where the file has that, else rounded to half precision: blocks
// of quantised rows cannot be transposed.
Result<SplitPart> split_keys(const TensorView& whole, const LatentHeads& heads);
// [rank, value, heads], in the type of the file.
Result<SplitPart> split_values(const TensorView& whole, const LatentHeads& heads);

}  // namespace chasqui::model
