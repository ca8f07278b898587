// Parts of read_spec and of tables that architectures with latent attention share.
#pragma once

#include "base/result.h"
#include "model/internal/common_tensors.h"
#include "model/internal/metadata.h"
#include "model/model_spec.h"

namespace chasqui::model {

// Ranks and sizes of heads; all layers get latent attention with its absorbed cache. The
// attention's scale is that of a head's key. Files that hold keys and values in one matrix say the
// heads' sizes where others say the cache's.
Status read_latent(const Metadata& metadata, ModelSpec& spec);

namespace internal {
inline constexpr std::string_view kDirectQueryName = "blk.{}.attn_q.weight";
inline constexpr std::string_view kKeysAndValuesName = "blk.{}.attn_kv_b.weight";
inline constexpr std::string_view kLatentKeyName = "blk.{}.attn_k_b.weight";

constexpr TensorRule head_rule(Slot slot, std::string_view name, Dim in, Dim out) {
  return unless(kKeysAndValuesName, {slot, name, {in, out, Dim::kHeads}});
}
// A part of the matrix that makes keys and values; not read where the parts are there.
constexpr TensorRule part_rule(Slot slot, Form form) {
  return unless(kLatentKeyName, {slot,
                                 kKeysAndValuesName,
                                 {Dim::kLatentRank, Dim::kLatentKeysAndValues, Dim::kOne},
                                 form,
                                 Need::kOptional});
}
}  // namespace internal

inline constexpr std::array kLatentTensors = {
    matrix_rule(Slot::kQuery, internal::kDirectQueryName, Dim::kHidden, Dim::kLatentQuery,
                Need::kOptional),
    unless(internal::kDirectQueryName,
           matrix_rule(Slot::kQueryDown, "blk.{}.attn_q_a.weight", Dim::kHidden, Dim::kQueryRank)),
    unless(internal::kDirectQueryName,
           vector_rule(Slot::kQueryDownNorm, "blk.{}.attn_q_a_norm.weight", Dim::kQueryRank)),
    unless(internal::kDirectQueryName, matrix_rule(Slot::kQueryUp, "blk.{}.attn_q_b.weight",
                                                   Dim::kQueryRank, Dim::kLatentQuery)),
    matrix_rule(Slot::kLatentDown, "blk.{}.attn_kv_a_mqa.weight", Dim::kHidden,
                Dim::kLatentAndRope),
    vector_rule(Slot::kLatentNorm, "blk.{}.attn_kv_a_norm.weight", Dim::kLatentRank),
    internal::head_rule(Slot::kLatentKey, internal::kLatentKeyName, Dim::kLatentPlainKey,
                        Dim::kLatentRank),
    internal::head_rule(Slot::kLatentValue, "blk.{}.attn_v_b.weight", Dim::kLatentRank,
                        Dim::kLatentValue),
    internal::part_rule(Slot::kLatentKey, Form::kLatentKeys),
    internal::part_rule(Slot::kLatentValue, Form::kLatentValues),
    matrix_rule(Slot::kAttentionOutput, "blk.{}.attn_output.weight", Dim::kLatentAttention,
                Dim::kHidden)};

}  // namespace chasqui::model
