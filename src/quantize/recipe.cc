#include "quantize/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>

#include "quant/quant_type.h"
#include "quantize/internal/type_rules.h"

namespace chasqui::quantize {
namespace {

using internal::Facts;
using internal::Role;

constexpr std::array kFileTypes = {
    FileType{"F32", 0, DType::kF32},          FileType{"F16", 1, DType::kF16},
    FileType{"BF16", 32, DType::kBF16},       FileType{"Q8_0", 7, DType::kQ8_0},
    FileType{"Q6_K", 18, DType::kQ6_K},       FileType{"Q5_K_M", 17, DType::kQ5_K},
    FileType{"Q5_K_S", 16, DType::kQ5_K},     FileType{"Q5_1", 9, DType::kQ5_1},
    FileType{"Q5_0", 8, DType::kQ5_0},        FileType{"Q4_K_M", 15, DType::kQ4_K},
    FileType{"Q4_K_S", 14, DType::kQ4_K},     FileType{"Q4_1", 3, DType::kQ4_1},
    FileType{"Q4_0", 2, DType::kQ4_0},        FileType{"IQ4_NL", 25, DType::kIQ4_NL},
    FileType{"IQ4_XS", 30, DType::kIQ4_XS},   FileType{"MXFP4_MOE", 38, DType::kMXFP4},
    FileType{"MXFP4", 38, DType::kMXFP4},     FileType{"NVFP4", 39, DType::kNVFP4},
    FileType{"Q3_K_L", 13, DType::kQ3_K},     FileType{"Q3_K_M", 12, DType::kQ3_K},
    FileType{"Q3_K_S", 11, DType::kQ3_K},     FileType{"IQ3_M", 27, DType::kIQ3_S},
    FileType{"IQ3_S", 26, DType::kIQ3_S},     FileType{"IQ3_XS", 22, DType::kIQ3_S},
    FileType{"IQ3_XXS", 23, DType::kIQ3_XXS}, FileType{"Q2_K", 10, DType::kQ2_K},
    FileType{"Q2_K_S", 21, DType::kQ2_K},     FileType{"IQ2_M", 29, DType::kIQ2_S},
    FileType{"IQ2_S", 28, DType::kIQ2_XS},    FileType{"IQ2_XS", 20, DType::kIQ2_XS},
    FileType{"IQ2_XXS", 19, DType::kIQ2_XXS}, FileType{"IQ1_M", 31, DType::kIQ1_M},
    FileType{"IQ1_S", 24, DType::kIQ1_S},     FileType{"TQ2_0", 37, DType::kTQ2_0},
    FileType{"TQ1_0", 36, DType::kTQ1_0},     FileType{"Q2_0", 41, DType::kQ2_0},
    FileType{"Q1_0", 40, DType::kQ1_0},
};

constexpr int64_t kMostLayers = 1 << 16;
constexpr int64_t kMostHeads = 1 << 20;

// A count that may be one number or an array with one for each layer, of which the first counts.
Result<int64_t> first_count(const gguf::File& file, const std::string& key, int64_t otherwise) {
  const gguf::Value* value = file.find(key);
  if (value == nullptr) return otherwise;
  const bool array = value->type() == gguf::ValueType::kArray;
  const auto number = array && value->array_size() > 0 ? value->int_at(0) : value->as_int();
  if (!number || *number < 0 || *number > kMostHeads) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: {} is no number from 0 to {}", file.path(), key, kMostHeads));
  }
  return *number;
}

struct ModelFacts {
  bool falcon = false;
  bool llama_70b = false;
  int64_t layers = 0;
  int64_t queries_per_key = 1;
  int64_t experts = 0;
};

Result<ModelFacts> read_facts(const gguf::File& file) {
  ModelFacts facts;
  CHASQUI_TRY(const auto name, file.get_string("general.architecture"));
  const std::string arch(name.value_or(""));
  CHASQUI_TRY(const auto layers, file.get_int(arch + ".block_count", 0, kMostLayers));
  CHASQUI_TRY(const auto experts, file.get_int(arch + ".expert_count", 0, kMostLayers));
  CHASQUI_TRY(const int64_t heads, first_count(file, arch + ".attention.head_count", 0));
  CHASQUI_TRY(const int64_t kv_heads, first_count(file, arch + ".attention.head_count_kv", heads));
  facts.layers = layers.value_or(0);
  facts.experts = experts.value_or(0);
  facts.queries_per_key = kv_heads > 0 ? heads / kv_heads : 1;
  facts.falcon = arch == "falcon";
  facts.llama_70b = arch == "llama" && facts.layers == 80 && heads != kv_heads;
  return facts;
}

// The N of "blk.N."; 0 for tensors outside of layers.
int64_t layer_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  int64_t layer = 0;
  if (name.starts_with(kPrefix)) {
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  }
  return layer;
}

Result<std::vector<std::pair<std::regex, DType>>> compile(const TypeChoices& choices) {
  std::vector<std::pair<std::regex, DType>> out;
  for (const TypeChoices::Pattern& pattern : choices.patterns) {
    try {
      out.emplace_back(std::regex(pattern.text), pattern.type);
    } catch (const std::regex_error& error) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"{}\" is no regular expression: {}", pattern.text, error.what()),
                  "tensor-type");
    }
  }
  return out;
}

class Planner {
 public:
  Planner(const gguf::File& file, const FileType& file_type, const TypeChoices& choices,
          const ModelFacts& model, bool with_importance)
      : file_(file),
        file_type_(file_type),
        choices_(choices),
        model_(model),
        importance_(with_importance),
        tied_(file.find_tensor("output.weight") == nullptr) {
    for (const gguf::Tensor& tensor : file.tensors()) {
      if (role(tensor) == Role::kValue && internal::is_quantizable(tensor)) {
        value_layers_.push_back(layer_of(tensor.name));
      }
    }
    std::ranges::sort(value_layers_);
  }

  DType wanted(const gguf::Tensor& tensor,
               std::span<const std::pair<std::regex, DType>> patterns) const {
    if (!internal::is_quantizable(tensor)) return tensor.view.type;
    const bool table = internal::role_of(tensor.name, false) == Role::kEmbedding;
    if (table && choices_.token_embedding) return *choices_.token_embedding;
    if (role(tensor) == Role::kOutput && choices_.output) return *choices_.output;
    for (const auto& [pattern, type] : patterns) {
      if (std::regex_search(tensor.name, pattern)) return type;
    }
    // Files of single values have no mix.
    const bool plain = dtype_info(file_type_.base).block_values == 1;
    if (choices_.pure || plain) return file_type_.base;
    const auto ruled = internal::find_rule(file_type_, role(tensor), facts(tensor));
    return ruled.value_or(file_type_.base);
  }

 private:
  Role role(const gguf::Tensor& tensor) const { return internal::role_of(tensor.name, tied_); }

  Facts facts(const gguf::Tensor& tensor) const {
    const int64_t layer = layer_of(tensor.name);
    Facts facts{.falcon = model_.falcon,
                .llama_70b = model_.llama_70b,
                .queries_per_key = model_.queries_per_key,
                .experts = model_.experts,
                .importance = importance_,
                .stack = tensor.view.dims[2] > 1,
                .odd_rows = tensor.view.cols() % dtype_info(file_type_.base).block_values != 0,
                .at = layer,
                .count = model_.layers};
    if (role(tensor) != Role::kValue) return facts;
    // Some layers have no attention: those with values are counted.
    facts.at = std::ranges::lower_bound(value_layers_, layer) - value_layers_.begin();
    facts.count = static_cast<int64_t>(value_layers_.size());
    return facts;
  }

  const gguf::File& file_;
  const FileType& file_type_;
  const TypeChoices& choices_;
  const ModelFacts& model_;
  const bool importance_;
  const bool tied_;
  std::vector<int64_t> value_layers_;  // ascending
};

Status check_encodable(DType type) {
  const quant::QuantType* known = quant::find_quant_type(type);
  if (known != nullptr && known->encode != nullptr) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("tensors of type {} cannot be written", dtype_info(type).name));
}

}  // namespace

std::span<const FileType> file_types() {
  return kFileTypes;
}

const FileType* find_file_type(std::string_view name) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  const auto it = std::ranges::find_if(kFileTypes, [&](const FileType& type) {
    return std::ranges::equal(type.name, name, {}, upper, upper);
  });
  return it == kFileTypes.end() ? nullptr : &*it;
}

std::string file_type_names() {
  std::string names;
  for (const FileType& type : kFileTypes) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", type.name);
  }
  return names;
}

Result<std::vector<TensorPlan>> plan_types(const gguf::File& file, const FileType& file_type,
                                           const TypeChoices& choices, bool with_importance) {
  CHASQUI_TRY(const auto patterns, compile(choices));
  CHASQUI_TRY(const ModelFacts model, read_facts(file));
  const Planner planner(file, file_type, choices, model, with_importance);
  std::vector<TensorPlan> plan;
  for (const gguf::Tensor& tensor : file.tensors()) {
    const DType wanted = planner.wanted(tensor, patterns);
    const DType type =
        wanted == tensor.view.type ? wanted : internal::fitting_type(wanted, tensor.view.cols());
    if (type != tensor.view.type) CHASQUI_TRY_STATUS(check_encodable(type));
    plan.push_back({&tensor, type, wanted});
  }
  return plan;
}

}  // namespace chasqui::quantize
