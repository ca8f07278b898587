// Models with random weights, of real shapes: speed does not depend on what a model learned, so
// benchmarks need no download. Deterministic for a seed. Single-threaded.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace chasqui::app {

// Llama architecture.
struct RandomShape {
  std::string_view name;
  std::string_view summary;
  int64_t layers = 0;
  int64_t hidden = 0;
  int64_t ffn = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t vocab = 0;  // at least 260: control and byte tokens
  int64_t context = 2048;
  bool tied = false;  // the output matrix is the embedding table
};

std::span<const RandomShape> random_shapes();

// Names of formats that write_random_model() takes: the tensor types that can be encoded, and
// Q4_K_M and Q5_K_M, which give some tensors more bits as the usual tools do.
std::string random_formats();

struct RandomModelOptions {
  RandomShape shape;
  std::string format = "Q4_K_M";
  uint64_t seed = 1;
  bool overwrite = false;
  std::function<void(double done)> progress;  // 0 to 1; may be empty
};

// kInvalidArgument names a size that does not fit the format's blocks or an unknown format.
Status write_random_model(const std::string& path, const RandomModelOptions& options);

}  // namespace chasqui::app
