// Small llama models with random weights, written to a temporary file, so that tests need no data
// from outside. Only for tests: errors throw.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "tensor/dtype.h"

namespace chasqui::testing {

struct TinyModel {
  int64_t layers = 2;
  int64_t hidden = 64;
  int64_t heads = 4;
  int64_t kv_heads = 2;
  int64_t ffn = 96;
  int64_t vocab = 300;  // at least 260
  int64_t experts = 0;
  int64_t experts_used = 0;
  bool recurrent = false;  // an LFM2: short convolutions in all layers but the last
  bool tied = false;
  DType type = DType::kF32;  // of the matrices
  uint64_t seed = 1;
  // Metadata keys not to write, and a hook that writes others instead.
  std::vector<std::string> leave_out;
  std::function<void(gguf::Writer&)> more_metadata;
  // Tensors not to write.
  std::vector<std::string> leave_out_tensors;
};

// A file that goes away with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string suffix);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write_tiny_model(const TinyModel& model, const std::string& path);

}  // namespace chasqui::testing
