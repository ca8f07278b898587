// Tables: one row a rule.
#include "quantize/internal/type_rules.h"

#include <algorithm>
#include <array>

namespace chasqui::quantize::internal {
namespace {

struct Rule {
  std::string_view file_types;  // names, a space between them; "*": all
  Role role;
  Who who;
  Where where;
  DType type;
};

constexpr auto kAny = Who::kAny;
constexpr auto kAll = Where::kAny;

// The first that fits counts.
constexpr Rule kRules[] = {
    // Weights of experts are many and each is used seldom; the rest is small.
    {"MXFP4_MOE", Role::kAny, Who::kNoStack, kAll, DType::kQ8_0},

    {"*", Role::kOutput, Who::kFalcon, kAll, DType::kQ8_0},
    {"*", Role::kOutput, Who::kOddRows, kAll, DType::kQ8_0},
    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ3_XXS", Role::kOutput, kAny, kAll, DType::kQ5_K},
    {"Q8_0", Role::kOutput, kAny, kAll, DType::kQ8_0},
    {"*", Role::kOutput, kAny, kAll, DType::kQ6_K},

    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS", Role::kEmbedding, kAny, kAll, DType::kQ2_K},
    {"IQ2_S IQ2_M IQ3_XXS", Role::kEmbedding, kAny, kAll, DType::kIQ3_S},
    {"TQ1_0 TQ2_0 Q2_0", Role::kEmbedding, kAny, kAll, DType::kQ4_K},

    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M", Role::kValue, Who::kSharedOrExperts, kAll,
     DType::kQ4_K},
    {"IQ2_S IQ2_M", Role::kValue, kAny, kAll, DType::kIQ3_S},
    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS", Role::kValue, kAny, kAll, DType::kQ2_K},
    {"*", Role::kValue, Who::kEightExperts, kAll, DType::kQ8_0},
    {"Q2_K Q2_K_S Q3_K_S Q3_K_M Q4_K_S IQ3_XXS IQ3_XS IQ3_S IQ3_M", Role::kValue, Who::kLlama70B,
     kAll, DType::kQ5_K},
    {"Q2_K Q2_K_S", Role::kValue, Who::kSharedKeys, kAll, DType::kQ4_K},
    {"Q2_K", Role::kValue, kAny, kAll, DType::kQ3_K},
    {"IQ3_XXS IQ3_XS IQ3_S", Role::kValue, Who::kSharedKeys, kAll, DType::kQ4_K},
    {"IQ3_XXS", Role::kValue, Who::kWithoutImportance, kAll, DType::kIQ3_S},
    {"IQ3_M", Role::kValue, kAny, kAll, DType::kQ4_K},
    {"Q3_K_M", Role::kValue, kAny, Where::kFirstTwo, DType::kQ5_K},
    {"Q3_K_M", Role::kValue, kAny, kAll, DType::kQ4_K},
    {"Q3_K_L", Role::kValue, kAny, kAll, DType::kQ5_K},
    {"IQ4_NL IQ4_XS", Role::kValue, Who::kSharedKeys, kAll, DType::kQ5_K},
    {"Q4_K_M Q5_K_M", Role::kValue, kAny, Where::kSpread, DType::kQ6_K},
    {"Q4_K_M", Role::kValue, Who::kLlama70B, kAll, DType::kQ5_K},
    {"Q4_K_S", Role::kValue, kAny, Where::kFirstFour, DType::kQ5_K},

    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M", Role::kKey, Who::kEightExperts, kAll, DType::kQ4_K},
    {"*", Role::kKey, Who::kEightExperts, kAll, DType::kQ8_0},
    {"IQ3_XS", Role::kKey, kAny, kAll, DType::kIQ3_XXS},
    {"IQ3_XXS", Role::kKey, kAny, kAll, DType::kIQ2_S},
    {"IQ3_XS", Role::kQuery, kAny, kAll, DType::kIQ3_XXS},
    {"IQ3_XXS", Role::kQuery, kAny, kAll, DType::kIQ2_S},

    {"IQ2_S IQ2_M", Role::kDown, kAny, Where::kFirstEighth, DType::kIQ3_S},
    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS", Role::kDown, kAny, Where::kFirstEighth, DType::kQ2_K},
    {"Q2_K", Role::kDown, kAny, kAll, DType::kQ3_K},
    {"Q2_K_S", Role::kDown, kAny, Where::kFirstEighth, DType::kQ4_K},
    {"IQ3_XXS", Role::kDown, Who::kWithoutImportance, Where::kFirstEighth, DType::kQ4_K},
    {"IQ3_XXS", Role::kDown, Who::kWithoutImportance, kAll, DType::kQ3_K},
    {"Q3_K_M", Role::kDown, kAny, Where::kFirstSixteenth, DType::kQ5_K},
    {"Q3_K_M", Role::kDown, Who::kNotFalcon, kAll, DType::kQ4_K},
    {"Q3_K_M", Role::kDown, kAny, Where::kSpread, DType::kQ4_K},
    {"IQ3_M", Role::kDown, kAny, Where::kFirstEighth, DType::kQ4_K},
    {"IQ3_M", Role::kDown, Who::kEightExperts, Where::kSpread, DType::kQ4_K},
    {"Q3_K_L", Role::kDown, Who::kFalcon, kAll, DType::kQ4_K},
    {"Q3_K_L", Role::kDown, kAny, kAll, DType::kQ5_K},
    {"Q4_K_M", Role::kDown, Who::kFalcon, Where::kFirstSixteenth, DType::kQ6_K},
    {"Q4_K_M", Role::kDown, Who::kFalcon, Where::kSpread, DType::kQ5_K},
    {"Q4_K_M", Role::kDown, Who::kNotFalcon, Where::kSpread, DType::kQ6_K},
    {"Q5_K_M", Role::kDown, kAny, Where::kSpread, DType::kQ6_K},
    {"Q4_K_S", Role::kDown, Who::kNotFalcon, Where::kFirstEighth, DType::kQ5_K},
    {"IQ4_NL IQ4_XS", Role::kDown, Who::kWithoutImportance, Where::kFirstEighth, DType::kQ5_K},
    {"Q4_0", Role::kDown, Who::kWithImportance, Where::kFirstEighth, DType::kQ4_1},
    {"Q5_0", Role::kDown, Who::kWithImportance, Where::kFirstEighth, DType::kQ5_1},

    {"IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ2_M", Role::kAttentionOutput, Who::kEightExperts, kAll,
     DType::kQ5_K},
    {"IQ1_S IQ1_M", Role::kAttentionOutput, kAny, kAll, DType::kIQ2_XXS},
    {"IQ2_S IQ2_M", Role::kAttentionOutput, kAny, kAll, DType::kIQ3_S},
    {"Q3_K_L", Role::kAttentionOutput, Who::kFalcon, kAll, DType::kQ4_K},
    {"Q2_K Q3_K_S Q3_K_M Q4_K_S Q4_K_M IQ3_XXS IQ3_XS IQ3_S IQ3_M IQ4_NL IQ4_XS",
     Role::kAttentionOutput, Who::kEightExperts, kAll, DType::kQ5_K},
    {"Q3_K_L", Role::kAttentionOutput, Who::kEightExperts, kAll, DType::kQ3_K},
    {"Q2_K", Role::kAttentionOutput, Who::kNotFalcon, kAll, DType::kQ3_K},
    {"IQ3_XXS", Role::kAttentionOutput, Who::kNotFalcon, kAll, DType::kIQ3_S},
    {"Q3_K_M IQ3_M", Role::kAttentionOutput, Who::kNotFalcon, kAll, DType::kQ4_K},
    {"Q3_K_L", Role::kAttentionOutput, Who::kNotFalcon, kAll, DType::kQ5_K},

    {"IQ3_XS", Role::kGate, kAny, Where::kMiddle, DType::kIQ3_XXS},
    {"IQ3_XS", Role::kUp, kAny, Where::kMiddle, DType::kIQ3_XXS},
};

struct RoleName {
  std::string_view part;  // of the tensor's name
  Role role;
};
// The first whose part occurs in the name counts.
constexpr RoleName kRoleNames[] = {
    {"attn_qkv.weight", Role::kValue},
    {"attn_kv_b.weight", Role::kValue},
    {"attn_v.weight", Role::kValue},
    {"attn_k.weight", Role::kKey},
    {"attn_q.weight", Role::kQuery},
    {"attn_output.weight", Role::kAttentionOutput},
    {"ffn_up", Role::kUp},
    {"ffn_gate", Role::kGate},
    {"ffn_down", Role::kDown},
};

// Parts of the names of matrices that are small, or read as numbers and not multiplied.
constexpr std::string_view kNeverQuantized[] = {
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "position_embd",
    "pos_embd",
    "token_types.weight",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
    "a.rvq.codebook",
    "mm.a.code_embd",
};

struct Fallback {
  DType type;
  DType instead;  // of the same quality or better, in smaller blocks
};
constexpr Fallback kFallbacks[] = {
    {DType::kIQ1_S, DType::kIQ4_NL},   {DType::kIQ1_M, DType::kIQ4_NL},
    {DType::kIQ2_XXS, DType::kIQ4_NL}, {DType::kIQ2_XS, DType::kIQ4_NL},
    {DType::kIQ2_S, DType::kIQ4_NL},   {DType::kIQ3_XXS, DType::kIQ4_NL},
    {DType::kIQ3_S, DType::kIQ4_NL},   {DType::kIQ4_XS, DType::kIQ4_NL},
    {DType::kQ1_0, DType::kQ4_0},      {DType::kQ2_0, DType::kQ4_0},
    {DType::kTQ1_0, DType::kQ4_0},     {DType::kTQ2_0, DType::kQ4_0},
    {DType::kQ2_K, DType::kQ4_0},      {DType::kQ3_K, DType::kQ4_0},
    {DType::kNVFP4, DType::kQ4_0},     {DType::kQ4_K, DType::kQ5_0},
    {DType::kQ5_K, DType::kQ5_1},      {DType::kQ6_K, DType::kQ8_0},
};

bool fits(DType type, int64_t row_values) {
  return row_values % dtype_info(type).block_values == 0;
}

// Whether `list`, names with spaces between them, holds `name`.
bool lists(std::string_view list, std::string_view name) {
  if (list == "*") return true;
  while (!list.empty()) {
    const size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

bool holds(Who who, const Facts& facts) {
  switch (who) {
    case Who::kAny:
      return true;
    case Who::kFalcon:
      return facts.falcon;
    case Who::kNotFalcon:
      return !facts.falcon;
    case Who::kSharedKeys:
      return facts.queries_per_key >= 4;
    case Who::kSharedOrExperts:
      return facts.queries_per_key >= 4 || facts.experts >= 4;
    case Who::kEightExperts:
      return facts.experts == 8;
    case Who::kLlama70B:
      return facts.llama_70b;
    case Who::kWithImportance:
      return facts.importance;
    case Who::kWithoutImportance:
      return !facts.importance;
    case Who::kNoStack:
      return !facts.stack;
    case Who::kOddRows:
      return facts.odd_rows;
  }
  return false;
}

bool holds(Where where, int64_t at, int64_t count) {
  const int64_t eighth = count / 8;
  switch (where) {
    case Where::kAny:
      return true;
    case Where::kFirstSixteenth:
      return at < count / 16;
    case Where::kFirstEighth:
      return at < eighth;
    case Where::kMiddle:
      return at >= eighth && at < 7 * count / 8;
    case Where::kFirstTwo:
      return at < 2;
    case Where::kFirstFour:
      return at < 4;
    case Where::kSpread:  // the first and the last eighth, and every third between them
      return at < eighth || at >= 7 * count / 8 || (at - eighth) % 3 == 2;
  }
  return false;
}

}  // namespace

Role role_of(std::string_view tensor_name, bool tied) {
  if (tensor_name == "output.weight") return Role::kOutput;
  if (tensor_name == "token_embd.weight" || tensor_name == "per_layer_token_embd.weight") {
    return tied ? Role::kOutput : Role::kEmbedding;
  }
  const auto found = std::ranges::find_if(kRoleNames, [&](const RoleName& row) {
    return tensor_name.find(row.part) != std::string_view::npos;
  });
  return found == std::end(kRoleNames) ? Role::kOther : found->role;
}

bool is_quantizable(const gguf::Tensor& tensor) {
  if (tensor.n_dims < 2 || !std::string_view(tensor.name).ends_with("weight")) return false;
  return std::ranges::none_of(kNeverQuantized, [&](std::string_view part) {
    return tensor.name.find(part) != std::string::npos;
  });
}

std::optional<DType> find_rule(const FileType& file_type, Role role, const Facts& facts) {
  for (const Rule& rule : kRules) {
    const bool fits = (rule.role == Role::kAny || rule.role == role) &&
                      lists(rule.file_types, file_type.name) && holds(rule.who, facts) &&
                      holds(rule.where, facts.at, facts.count);
    if (fits) return rule.type;
  }
  return std::nullopt;
}

DType fitting_type(DType type, int64_t row_values) {
  if (fits(type, row_values)) return type;
  const auto found = std::ranges::find(kFallbacks, type, &Fallback::type);
  if (found != std::end(kFallbacks) && fits(found->instead, row_values)) return found->instead;
  return DType::kF16;
}

}  // namespace chasqui::quantize::internal
