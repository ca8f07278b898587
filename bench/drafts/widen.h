// The demo model in the shape of a large one: the same answers at the price of a large model. Its
// weights stand in the first rows and columns of larger matrices, the rest is zero, and further
// layers add nothing. So text that a trained model writes can be measured at the speed of a model
// that nobody here could train. Not the text of a large model.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "tensor/dtype.h"

namespace chasqui::bench {

struct WideShape {
  int64_t layers = 22;
  int64_t hidden = 2048;
  int64_t ffn = 5632;
  int64_t heads = 32;
  int64_t kv_heads = 4;
  DType type = DType::kQ4_K;
  uint64_t random_seed = 0;  // not 0: random weights in place of the demo model's
};

// Writes `to`. kInvalidArgument when the shape is smaller than the model at `from`, or its heads
// are of another width.
Status write_widened(const std::string& from, const std::string& to, const WideShape& shape);

}  // namespace chasqui::bench
