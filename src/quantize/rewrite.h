// Writes a model anew with other tensor types, tensor by tensor and slab by slab: memory stays a
// few MiB whatever the model's size, and pages of the old file are given back as they were read.
// The bytes written do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "quantize/importance.h"
#include "quantize/recipe.h"

namespace chasqui::quantize {

struct RewriteOptions {
  FileType file_type;
  TypeChoices choices;
  const Importance* importance = nullptr;  // optional; must outlive plan and writing
  std::string importance_name;             // of its file, kept in the new file's metadata
  // Take tensors also from types with losses of their own (other than F32, F16, BF16 and Q8_0).
  bool allow_requantize = false;
};

struct RewritePlan {
  std::vector<TensorPlan> tensors;
  uint64_t old_bytes = 0;  // of all tensors
  uint64_t new_bytes = 0;
};

// Decides and checks everything that can be known before a byte is written. Beyond the errors of
// plan_types(): kInvalidArgument names a tensor that would be requantised without leave, one of a
// type that needs importance (QuantType::needs_weights) and has none, or one whose importance has
// another size; kUnsupported a type that cannot be decoded. The logits' matrix and the embedding
// table may do without importance: nothing measures what they are multiplied with. The plan refers
// to `file`.
Result<RewritePlan> plan_rewrite(const gguf::File& file, const RewriteOptions& options);

struct WriteOptions {
  int threads = 1;
  bool overwrite = false;
  std::function<void(double done)> progress;  // 0 to 1; may be empty
  std::function<bool()> cancelled;            // asked now and then; may be empty
};

// Metadata is copied, general.file_type and general.quantization_version set, the keys of a split
// file left out: all parts become one file. `path` appears whole or not at all. kCorrupt names a
// tensor that holds NaN or infinity, kCancelled, and the errors of gguf::Writer.
Status write_rewritten(const gguf::File& file, const RewriteOptions& options,
                       const RewritePlan& plan, const std::string& path, const WriteOptions& write);

}  // namespace chasqui::quantize
