// The mixes as data: one row says that in files of some types a tensor of some role gets another
// type than the base one, under a condition on the model and on the layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "quantize/recipe.h"

namespace chasqui::quantize::internal {

// What a tensor does, as far as mixes tell it apart.
enum class Role {
  kAny,
  kOutput,
  kEmbedding,
  kQuery,
  kKey,
  kValue,  // also query, key and value in one, and what values are expanded from (MLA)
  kAttentionOutput,
  kUp,
  kGate,
  kDown,
  kOther,
};
// `tied`: the file has no output.weight.
Role role_of(std::string_view tensor_name, bool tied);

// False for tensors that stay as they are whatever the file type.
bool is_quantizable(const gguf::Tensor& tensor);

enum class Who {
  kAny,
  kFalcon,
  kNotFalcon,
  kSharedKeys,       // at least four query heads read one key head
  kSharedOrExperts,  // that, or at least four experts
  kEightExperts,
  kLlama70B,
  kWithImportance,
  kWithoutImportance,
  kNoStack,  // the tensor is one matrix and not one for each expert
  kOddRows,  // the tensor's rows are no whole blocks of the base type
};

// Of `count` layers, where `at` counts from 0.
enum class Where { kAny, kFirstSixteenth, kFirstEighth, kMiddle, kFirstTwo, kFirstFour, kSpread };

// What rules ask of the model and of one tensor.
struct Facts {
  bool falcon = false;
  bool llama_70b = false;
  int64_t queries_per_key = 1;
  int64_t experts = 0;
  bool importance = false;
  bool stack = false;
  bool odd_rows = false;
  int64_t at = 0;
  int64_t count = 0;
};

// The first rule that fits; nullopt: the base type.
std::optional<DType> find_rule(const FileType& file_type, Role role, const Facts& facts);

// The type for rows that are no whole number of `type`'s blocks; one that fits is returned.
DType fitting_type(DType type, int64_t row_values);

}  // namespace chasqui::quantize::internal
