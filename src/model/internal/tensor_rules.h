// The tensors that models are made of, one row each: name in the file, shape in terms of the
// spec, when it must be there, and the slot where layer code finds it. An architecture lists the
// rows that it uses (arch/<name>.cc).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chasqui::model {

enum class Slot {
  kTokenEmbedding,
  kOutputNorm,
  kOutput,
  kRopeFactors,
  kAttentionNorm,
  kQuery,
  kKey,
  kValue,
  kQueryBias,
  kKeyBias,
  kValueBias,
  kAttentionOutput,
  kAttentionOutputBias,
  kFfnNorm,
  kFfnGate,
  kFfnUp,
  kFfnDown,
  kFfnGateBias,
  kFfnUpBias,
  kFfnDownBias,
  kRouter,
  kExpertsGate,
  kExpertsUp,
  kExpertsDown,
  kCount,
};

// A dimension of a tensor as a quantity of the model (of the layer, where they differ).
enum class Dim {
  kOne,
  kHidden,
  kVocab,
  kQ,          // heads * key_dim
  kK,          // kv_heads * key_dim
  kV,          // kv_heads * value_dim
  kAttention,  // heads * value_dim
  kFfn,
  kExperts,
  kRopePairs,  // rotated / 2
};

enum class Need {
  kRequired,
  kOptional,
  kDenseLayers,   // required in layers with a dense feed-forward, absent from the others
  kExpertLayers,  // required in layers with experts, absent from the others
};

enum class Form {
  kMatrix,  // a Weight, in any type that the backend computes with
  kTable,   // a Weight that is only looked up
  kVector,  // small f32 parameters
};

struct TensorRule {
  Slot slot;
  std::string_view name;  // "blk.{}.x" for one tensor a layer
  std::array<Dim, 3> shape;
  Form form = Form::kMatrix;
  Need need = Need::kRequired;

  bool per_layer() const { return name.starts_with("blk."); }
};

inline constexpr TensorRule kTokenEmbedding{Slot::kTokenEmbedding,
                                            "token_embd.weight",
                                            {Dim::kHidden, Dim::kVocab, Dim::kOne},
                                            Form::kTable};
inline constexpr TensorRule kOutputNorm{
    Slot::kOutputNorm, "output_norm.weight", {Dim::kHidden, Dim::kOne, Dim::kOne}, Form::kVector};
// Absent where the output matrix is the embedding table.
inline constexpr TensorRule kOutput{Slot::kOutput,
                                    "output.weight",
                                    {Dim::kHidden, Dim::kVocab, Dim::kOne},
                                    Form::kMatrix,
                                    Need::kOptional};
inline constexpr TensorRule kRopeFactors{Slot::kRopeFactors,
                                         "rope_freqs.weight",
                                         {Dim::kRopePairs, Dim::kOne, Dim::kOne},
                                         Form::kVector,
                                         Need::kOptional};

// A row of a per-layer vector of width `width`.
constexpr TensorRule vector_rule(Slot slot, std::string_view name, Dim width,
                                 Need need = Need::kRequired) {
  return {slot, name, {width, Dim::kOne, Dim::kOne}, Form::kVector, need};
}
// A row of a per-layer matrix from `in` inputs to `out` outputs.
constexpr TensorRule matrix_rule(Slot slot, std::string_view name, Dim in, Dim out,
                                 Need need = Need::kRequired) {
  return {slot, name, {in, out, Dim::kOne}, Form::kMatrix, need};
}
// A row of a stack of such matrices, one for each expert.
constexpr TensorRule experts_rule(Slot slot, std::string_view name, Dim in, Dim out) {
  return {slot, name, {in, out, Dim::kExperts}, Form::kMatrix, Need::kExpertLayers};
}

inline constexpr TensorRule kAttentionNorm =
    vector_rule(Slot::kAttentionNorm, "blk.{}.attn_norm.weight", Dim::kHidden);
inline constexpr TensorRule kQuery =
    matrix_rule(Slot::kQuery, "blk.{}.attn_q.weight", Dim::kHidden, Dim::kQ);
inline constexpr TensorRule kKey =
    matrix_rule(Slot::kKey, "blk.{}.attn_k.weight", Dim::kHidden, Dim::kK);
inline constexpr TensorRule kValue =
    matrix_rule(Slot::kValue, "blk.{}.attn_v.weight", Dim::kHidden, Dim::kV);
inline constexpr TensorRule kQueryBias =
    vector_rule(Slot::kQueryBias, "blk.{}.attn_q.bias", Dim::kQ, Need::kOptional);
inline constexpr TensorRule kKeyBias =
    vector_rule(Slot::kKeyBias, "blk.{}.attn_k.bias", Dim::kK, Need::kOptional);
inline constexpr TensorRule kValueBias =
    vector_rule(Slot::kValueBias, "blk.{}.attn_v.bias", Dim::kV, Need::kOptional);
inline constexpr TensorRule kAttentionOutput =
    matrix_rule(Slot::kAttentionOutput, "blk.{}.attn_output.weight", Dim::kAttention, Dim::kHidden);
inline constexpr TensorRule kAttentionOutputBias = vector_rule(
    Slot::kAttentionOutputBias, "blk.{}.attn_output.bias", Dim::kHidden, Need::kOptional);

inline constexpr TensorRule kFfnNorm =
    vector_rule(Slot::kFfnNorm, "blk.{}.ffn_norm.weight", Dim::kHidden);
inline constexpr TensorRule kFfnGate = matrix_rule(Slot::kFfnGate, "blk.{}.ffn_gate.weight",
                                                   Dim::kHidden, Dim::kFfn, Need::kDenseLayers);
inline constexpr TensorRule kFfnUp =
    matrix_rule(Slot::kFfnUp, "blk.{}.ffn_up.weight", Dim::kHidden, Dim::kFfn, Need::kDenseLayers);
inline constexpr TensorRule kFfnDown = matrix_rule(Slot::kFfnDown, "blk.{}.ffn_down.weight",
                                                   Dim::kFfn, Dim::kHidden, Need::kDenseLayers);
inline constexpr TensorRule kFfnGateBias =
    vector_rule(Slot::kFfnGateBias, "blk.{}.ffn_gate.bias", Dim::kFfn, Need::kOptional);
inline constexpr TensorRule kFfnUpBias =
    vector_rule(Slot::kFfnUpBias, "blk.{}.ffn_up.bias", Dim::kFfn, Need::kOptional);
inline constexpr TensorRule kFfnDownBias =
    vector_rule(Slot::kFfnDownBias, "blk.{}.ffn_down.bias", Dim::kHidden, Need::kOptional);

inline constexpr TensorRule kRouter = matrix_rule(Slot::kRouter, "blk.{}.ffn_gate_inp.weight",
                                                  Dim::kHidden, Dim::kExperts, Need::kExpertLayers);
inline constexpr TensorRule kExpertsGate =
    experts_rule(Slot::kExpertsGate, "blk.{}.ffn_gate_exps.weight", Dim::kHidden, Dim::kFfn);
inline constexpr TensorRule kExpertsUp =
    experts_rule(Slot::kExpertsUp, "blk.{}.ffn_up_exps.weight", Dim::kHidden, Dim::kFfn);
inline constexpr TensorRule kExpertsDown =
    experts_rule(Slot::kExpertsDown, "blk.{}.ffn_down_exps.weight", Dim::kFfn, Dim::kHidden);

}  // namespace chasqui::model
