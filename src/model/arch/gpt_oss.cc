// gpt-oss: experts with biases and a limited gate, every second layer windowed, a learned logit in
// each head's softmax that has no value ("attention sink").
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.gate = backend::ExpertGate::kSoftmaxOfChosen;
  spec.experts.normalize = false;
  spec.activation = backend::Activation::kClampedSwiglu;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  use_window(spec, window, all_but_each(2, spec.layers.size()));
  return spec;
}

constexpr std::array kBiases = {
    vectors_rule(Slot::kExpertsGateBias, "blk.{}.ffn_gate_exps.bias", Dim::kFfn, Dim::kExperts),
    vectors_rule(Slot::kExpertsUpBias, "blk.{}.ffn_up_exps.bias", Dim::kFfn, Dim::kExperts),
    vectors_rule(Slot::kExpertsDownBias, "blk.{}.ffn_down_exps.bias", Dim::kHidden, Dim::kExperts),
    vector_rule(Slot::kRouterBias, "blk.{}.ffn_gate_inp.bias", Dim::kExperts)};

// Gate and up have biases of their own, so they are not read as one.
constexpr std::array kExperts = {kRouter, unless({}, kExpertsGate), unless({}, kExpertsUp),
                                 kExpertsDown};

constexpr auto kTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors,
                               vector_rule(Slot::kSinks, "blk.{}.attn_sinks.weight", Dim::kHeads),
                               kFfnNormAsPost, kExperts, kBiases);

}  // namespace

constinit const Architecture kGptOss = {"gpt-oss", read_spec, kTensors};

}  // namespace chasqui::model
