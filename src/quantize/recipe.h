// Which type each tensor of a model gets. A file type is what users ask for by name: Q4_K_M is
// mostly Q4_K, with more bits for the tensors whose errors cost most. Names, codes and mixes are
// those that users of GGUF know from llama.cpp, so that a file of ours and one of theirs have the
// same types and sizes.
// Thread-safe: pure functions over constant tables.
// Facts: https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "tensor/dtype.h"

namespace chasqui::quantize {

struct FileType {
  std::string_view name;
  uint32_t code;  // general.file_type
  DType base;     // of every matrix that no rule names
};

std::span<const FileType> file_types();
// By name, in any case ("q4_k_m"); nullptr when unknown.
const FileType* find_file_type(std::string_view name);
// All names, for messages.
std::string file_type_names();

// What a user may say against the mix, strongest first.
struct TypeChoices {
  struct Pattern {
    std::string text;  // ECMAScript regular expression, searched in the tensor's name
    DType type;
  };
  std::optional<DType> output;           // the matrix of the logits: output.weight, or the
                                         // embedding table where there is none
  std::optional<DType> token_embedding;  // token_embd.weight, in either case
  std::vector<Pattern> patterns;         // the first that is found counts
  bool pure = false;                     // no mix: every matrix gets the base type
};

struct TensorPlan {
  const gguf::Tensor* tensor = nullptr;  // of the planned file
  DType type = DType::kF32;              // in the new file
  DType wanted = DType::kF32;            // as `type`, but for rows that are no whole blocks of it
};

// One entry for each tensor of `file`, in its order. Tensors that are no matrices (of one
// dimension, norms, expert routers, convolutions and the like) keep their type. `with_importance`:
// weights are known (importance.h), which some mixes depend on. kInvalidArgument names a pattern
// that is no regular expression or a type that cannot be encoded; kCorrupt and kInvalidArgument a
// metadata key whose value makes no sense.
Result<std::vector<TensorPlan>> plan_types(const gguf::File& file, const FileType& file_type,
                                           const TypeChoices& choices, bool with_importance);

}  // namespace chasqui::quantize
