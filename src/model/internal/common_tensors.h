// The tensors that models share, one row each, and the groups of them that most architectures
// have. Names: the GGUF conventions, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and
// the tensor names of gguf-py.
#pragma once

#include "model/internal/tensor_rules.h"

namespace chasqui::model {

inline constexpr TensorRule kTokenEmbedding =
    table_rule(Slot::kTokenEmbedding, "token_embd.weight", Dim::kHidden, Dim::kVocab);
// Row 0 stands for the first text; converters write one row or two.
inline constexpr TensorRule kTokenTypes =
    optional(table_rule(Slot::kTokenTypes, "token_types.weight", Dim::kHidden, Dim::kAny));
inline constexpr TensorRule kEmbeddingNorm =
    vector_rule(Slot::kEmbeddingNorm, "token_embd_norm.weight", Dim::kHidden);
inline constexpr TensorRule kEmbeddingNormBias =
    vector_rule(Slot::kEmbeddingNormBias, "token_embd_norm.bias", Dim::kHidden, Need::kOptional);
inline constexpr TensorRule kPositionEmbedding =
    table_rule(Slot::kPositionEmbedding, "position_embd.weight", Dim::kHidden, Dim::kPositions);
inline constexpr TensorRule kOutputNorm =
    vector_rule(Slot::kOutputNorm, "output_norm.weight", Dim::kHidden);
inline constexpr TensorRule kOutputNormBias =
    vector_rule(Slot::kOutputNormBias, "output_norm.bias", Dim::kHidden, Need::kOptional);
// Absent where the output matrix is the embedding table.
inline constexpr TensorRule kOutput =
    matrix_rule(Slot::kOutput, "output.weight", Dim::kHidden, Dim::kVocab, Need::kOptional);
inline constexpr TensorRule kOutputBias =
    vector_rule(Slot::kOutputBias, "output.bias", Dim::kVocab, Need::kOptional);
inline constexpr TensorRule kRopeFactors =
    vector_rule(Slot::kRopeFactors, "rope_freqs.weight", Dim::kRopePairs, Need::kOptional);
inline constexpr TensorRule kRopeFactorsLong = vector_rule(
    Slot::kRopeFactorsLong, "rope_factors_long.weight", Dim::kRopePairs, Need::kOptional);
inline constexpr TensorRule kRopeFactorsShort = vector_rule(
    Slot::kRopeFactorsShort, "rope_factors_short.weight", Dim::kRopePairs, Need::kOptional);

inline constexpr TensorRule kAttentionNorm =
    vector_rule(Slot::kAttentionNorm, "blk.{}.attn_norm.weight", Dim::kHidden);
inline constexpr TensorRule kAttentionNormBias =
    vector_rule(Slot::kAttentionNormBias, "blk.{}.attn_norm.bias", Dim::kHidden, Need::kOptional);

// Queries, keys and values: three matrices, or one.
inline constexpr std::string_view kQkvName = "blk.{}.attn_qkv.weight";
inline constexpr TensorRule kQuery = {
    Slot::kQuery,  "blk.{}.attn_q.weight", {Dim::kHidden, Dim::kQ, Dim::kOne},
    Form::kMatrix, Need::kRequired,        kQkvName};
inline constexpr TensorRule kKey = {
    Slot::kKey,    "blk.{}.attn_k.weight", {Dim::kHidden, Dim::kK, Dim::kOne},
    Form::kMatrix, Need::kRequired,        kQkvName};
inline constexpr TensorRule kValue = {
    Slot::kValue,  "blk.{}.attn_v.weight", {Dim::kHidden, Dim::kV, Dim::kOne},
    Form::kMatrix, Need::kRequired,        kQkvName};
inline constexpr TensorRule kQkv =
    matrix_rule(Slot::kQkv, kQkvName, Dim::kHidden, Dim::kQkv, Need::kOptional);
inline constexpr TensorRule kQueryBias =
    vector_rule(Slot::kQueryBias, "blk.{}.attn_q.bias", Dim::kQ, Need::kOptional);
inline constexpr TensorRule kKeyBias =
    vector_rule(Slot::kKeyBias, "blk.{}.attn_k.bias", Dim::kK, Need::kOptional);
inline constexpr TensorRule kValueBias =
    vector_rule(Slot::kValueBias, "blk.{}.attn_v.bias", Dim::kV, Need::kOptional);
inline constexpr TensorRule kQkvBias =
    vector_rule(Slot::kQkvBias, "blk.{}.attn_qkv.bias", Dim::kQkv, Need::kOptional);
inline constexpr TensorRule kQueryNorm =
    vector_rule(Slot::kQueryNorm, "blk.{}.attn_q_norm.weight", Dim::kKeyDim);
inline constexpr TensorRule kKeyNorm =
    vector_rule(Slot::kKeyNorm, "blk.{}.attn_k_norm.weight", Dim::kKeyDim);
inline constexpr TensorRule kAttentionOutput =
    matrix_rule(Slot::kAttentionOutput, "blk.{}.attn_output.weight", Dim::kAttention, Dim::kHidden);
inline constexpr TensorRule kAttentionOutputBias = vector_rule(
    Slot::kAttentionOutputBias, "blk.{}.attn_output.bias", Dim::kHidden, Need::kOptional);
inline constexpr TensorRule kPostAttentionNorm =
    vector_rule(Slot::kPostAttentionNorm, "blk.{}.post_attention_norm.weight", Dim::kHidden);

inline constexpr TensorRule kFfnNorm =
    vector_rule(Slot::kFfnNorm, "blk.{}.ffn_norm.weight", Dim::kHidden);
inline constexpr TensorRule kFfnNormBias =
    vector_rule(Slot::kFfnNormBias, "blk.{}.ffn_norm.bias", Dim::kHidden, Need::kOptional);
// The norm before the feed-forward under the name that newer converters give it.
inline constexpr TensorRule kFfnNormAsPost = named(kFfnNorm, "blk.{}.post_attention_norm.weight");
inline constexpr TensorRule kFfnGate = matrix_rule(Slot::kFfnGate, "blk.{}.ffn_gate.weight",
                                                   Dim::kHidden, Dim::kFfn, Need::kDenseLayers);
inline constexpr TensorRule kFfnUp =
    matrix_rule(Slot::kFfnUp, "blk.{}.ffn_up.weight", Dim::kHidden, Dim::kFfn, Need::kDenseLayers);
inline constexpr TensorRule kFfnGateUp = matrix_rule(
    Slot::kFfnGateUp, "blk.{}.ffn_up.weight", Dim::kHidden, Dim::kTwiceFfn, Need::kDenseLayers);
inline constexpr TensorRule kFfnDown = matrix_rule(Slot::kFfnDown, "blk.{}.ffn_down.weight",
                                                   Dim::kFfn, Dim::kHidden, Need::kDenseLayers);
inline constexpr TensorRule kFfnGateBias =
    vector_rule(Slot::kFfnGateBias, "blk.{}.ffn_gate.bias", Dim::kFfn, Need::kOptional);
inline constexpr TensorRule kFfnUpBias =
    vector_rule(Slot::kFfnUpBias, "blk.{}.ffn_up.bias", Dim::kFfn, Need::kOptional);
inline constexpr TensorRule kFfnDownBias =
    vector_rule(Slot::kFfnDownBias, "blk.{}.ffn_down.bias", Dim::kHidden, Need::kOptional);
inline constexpr TensorRule kPostFfnNorm =
    vector_rule(Slot::kPostFfnNorm, "blk.{}.post_ffw_norm.weight", Dim::kHidden);

inline constexpr TensorRule kRouter = matrix_rule(Slot::kRouter, "blk.{}.ffn_gate_inp.weight",
                                                  Dim::kHidden, Dim::kExperts, Need::kExpertLayers);
inline constexpr TensorRule kSelectionBias =
    vector_rule(Slot::kSelectionBias, "blk.{}.exp_probs_b.bias", Dim::kExperts, Need::kOptional);
inline constexpr std::string_view kExpertsGateUpName = "blk.{}.ffn_gate_up_exps.weight";
inline constexpr TensorRule kExpertsGateUp =
    optional(experts_rule(Slot::kExpertsGateUp, kExpertsGateUpName, Dim::kHidden, Dim::kTwiceFfn));
inline constexpr TensorRule kExpertsGate = unless(
    kExpertsGateUpName,
    experts_rule(Slot::kExpertsGate, "blk.{}.ffn_gate_exps.weight", Dim::kHidden, Dim::kFfn));
inline constexpr TensorRule kExpertsUp =
    unless(kExpertsGateUpName,
           experts_rule(Slot::kExpertsUp, "blk.{}.ffn_up_exps.weight", Dim::kHidden, Dim::kFfn));
inline constexpr TensorRule kExpertsDown =
    experts_rule(Slot::kExpertsDown, "blk.{}.ffn_down_exps.weight", Dim::kFfn, Dim::kHidden);
inline constexpr TensorRule kSharedGate =
    matrix_rule(Slot::kSharedGate, "blk.{}.ffn_gate_shexp.weight", Dim::kHidden, Dim::kSharedFfn,
                Need::kSharedExpertLayers);
inline constexpr TensorRule kSharedUp =
    matrix_rule(Slot::kSharedUp, "blk.{}.ffn_up_shexp.weight", Dim::kHidden, Dim::kSharedFfn,
                Need::kSharedExpertLayers);
inline constexpr TensorRule kSharedDown =
    matrix_rule(Slot::kSharedDown, "blk.{}.ffn_down_shexp.weight", Dim::kSharedFfn, Dim::kHidden,
                Need::kSharedExpertLayers);
inline constexpr TensorRule kSharedRouter =
    matrix_rule(Slot::kSharedRouter, "blk.{}.ffn_gate_inp_shexp.weight", Dim::kHidden, Dim::kOne,
                Need::kSharedExpertLayers);

// Norms behind the sums of blocks and residual stream.
inline constexpr std::array kResidualNormTensors = {
    vector_rule(Slot::kAttentionResidualNorm, "blk.{}.attn_output_norm.weight", Dim::kHidden),
    vector_rule(Slot::kAttentionResidualNormBias, "blk.{}.attn_output_norm.bias", Dim::kHidden,
                Need::kOptional),
    vector_rule(Slot::kFfnResidualNorm, "blk.{}.layer_output_norm.weight", Dim::kHidden),
    vector_rule(Slot::kFfnResidualNormBias, "blk.{}.layer_output_norm.bias", Dim::kHidden,
                Need::kOptional)};

// The head of models that rank.
inline constexpr std::array kRankingTensors = {
    matrix_rule(Slot::kClassifier, "cls.weight", Dim::kHidden, Dim::kHidden, Need::kOptional),
    vector_rule(Slot::kClassifierBias, "cls.bias", Dim::kHidden, Need::kOptional),
    vector_rule(Slot::kClassifierNorm, "cls.norm.weight", Dim::kHidden, Need::kOptional),
    matrix_rule(Slot::kClassifierOutput, "cls.output.weight", Dim::kHidden, Dim::kAny,
                Need::kOptional),
    vector_rule(Slot::kClassifierOutputBias, "cls.output.bias", Dim::kAny, Need::kOptional)};
// The dense layers behind the pooling of Sentence Transformers.
inline constexpr std::array kDenseHeadTensors = {
    matrix_rule(Slot::kDense2, "dense_2.weight", Dim::kHidden, Dim::kAny, Need::kOptional),
    matrix_rule(Slot::kDense3, "dense_3.weight", Dim::kAny, Dim::kAny, Need::kOptional)};

inline constexpr std::array kEmbeddingTensors = {kTokenEmbedding, kOutputNorm, kOutput};
// One or three matrices, biases where there are some.
inline constexpr std::array kAttentionTensors = {kQuery,           kKey,
                                                 kValue,           kQkv,
                                                 kQueryBias,       kKeyBias,
                                                 kValueBias,       kQkvBias,
                                                 kAttentionOutput, kAttentionOutputBias};
inline constexpr std::array kQkNormTensors = {kQueryNorm, kKeyNorm};
// The same for QkNorm::kWholeRow.
inline constexpr std::array kRowNormTensors = {
    vector_rule(Slot::kQueryNorm, "blk.{}.attn_q_norm.weight", Dim::kQ),
    vector_rule(Slot::kKeyNorm, "blk.{}.attn_k_norm.weight", Dim::kK)};
inline constexpr std::array kGatedFfnTensors = {kFfnGate,     kFfnUp,     kFfnDown,
                                                kFfnGateBias, kFfnUpBias, kFfnDownBias};
inline constexpr std::array kPlainFfnTensors = {kFfnUp, kFfnDown, kFfnUpBias, kFfnDownBias};
// Gate and up are two stacks of matrices, or one.
inline constexpr std::array kExpertTensors = {kRouter, kExpertsGateUp, kExpertsGate, kExpertsUp,
                                              kExpertsDown};
inline constexpr std::array kSharedExpertTensors = {kSharedGate, kSharedUp, kSharedDown};

}  // namespace chasqui::model
