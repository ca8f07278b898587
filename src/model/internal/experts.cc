// Mixture of experts: a router chooses experts for each token; beside them a feed-forward for all
// tokens may run.
#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::Matrix;

void expert_product(const LayerContext& c, const Matrix& x,
                    std::span<const backend::ExpertTarget> targets) {
  c.backend.expert_linear({.x = x,
                           .targets = targets,
                           .tokens = c.rows,
                           .used = c.spec.experts.used,
                           .ids = c.activations.expert_ids.as<int32_t>()});
}

backend::ExpertTarget expert_target(const LayerContext& c, ProductSlots slots, const Matrix& y) {
  return {c.weights.matrix(slots.weight), c.weights.vector(slots.bias), y};
}

// The rows of x once for each of their experts, weighed; the experts' answers count 1 from here on.
Matrix weighed_inputs(const LayerContext& c, const Matrix& x) {
  const int64_t used = c.spec.experts.used;
  const Matrix inputs = view(c.activations.expert_out, c.rows * used, c.spec.hidden);
  for (int64_t slot = 0; slot < used; ++slot) {
    c.backend.copy({x, {inputs.row(slot), c.rows, c.spec.hidden, used * c.spec.hidden}});
  }
  c.backend.scale_rows({inputs, c.activations.expert_weights.as<float>()});
  return inputs;
}

// The chosen experts' answers, weighed and added.
void run_experts(const LayerContext& c, const Matrix& layer_in, const Matrix& out) {
  const bool weigh_inputs = c.spec.experts.weigh_inputs;
  const Matrix x = weigh_inputs ? weighed_inputs(c, layer_in) : layer_in;
  const int64_t slots = c.rows * c.spec.experts.used;
  const int64_t width = c.layer.ffn;
  const Matrix both = view(c.activations.ffn, slots, 2 * width);
  const Matrix gate = columns(both, 0, width);
  const Matrix up = columns(both, width, width);
  if (c.weights.matrix(Slot::kExpertsGateUp) != nullptr) {
    const backend::ExpertTarget targets[] = {expert_target(c, {Slot::kExpertsGateUp}, both)};
    expert_product(c, x, targets);
  } else {
    const backend::ExpertTarget targets[] = {
        expert_target(c, {Slot::kExpertsGate, Slot::kExpertsGateBias}, gate),
        expert_target(c, {Slot::kExpertsUp, Slot::kExpertsUpBias}, up)};
    expert_product(c, x, targets);
  }
  c.backend.activation({.kind = c.spec.activation, .gate = gate, .up = up, .out = gate});
  const Matrix down = view(c.activations.expert_out, slots, c.spec.hidden);
  const backend::ExpertTarget output[] = {
      expert_target(c, {Slot::kExpertsDown, Slot::kExpertsDownBias}, down)};
  expert_product(c, gate, output);
  c.backend.combine_experts({.y = down,
                             .weights = weigh_inputs ? c.activations.expert_ones.as<float>()
                                                     : c.activations.expert_weights.as<float>(),
                             .used = c.spec.experts.used,
                             .out = out});
}

// The feed-forward for all tokens; out is overwritten.
void run_shared(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const int64_t width = c.layer.shared_ffn;
  const Matrix both = view(c.activations.ffn, c.rows, 2 * width);
  const Matrix gate = columns(both, 0, width);
  const Matrix up = columns(both, width, width);
  const backend::LinearTarget targets[] = {target(c, {Slot::kSharedGate}, gate),
                                           target(c, {Slot::kSharedUp}, up)};
  c.backend.linear({x, targets});
  c.backend.activation({.kind = c.spec.activation, .gate = gate, .up = up, .out = gate});
  product(c, gate, {Slot::kSharedDown}, out);
  if (c.weights.matrix(Slot::kSharedRouter) == nullptr) return;
  const Matrix weight = view(c.activations.shared_weight, c.rows, 1);
  product(c, x, {Slot::kSharedRouter}, weight);
  c.backend.activation(
      {.kind = backend::Activation::kSigmoid, .gate = weight, .up = {}, .out = weight});
  c.backend.scale_rows({out, weight.data});
}

}  // namespace

// Which experts, and what each counts, into activations.expert_ids and expert_weights.
void choose_experts(const LayerContext& c, const Matrix& x) {
  const ExpertSpec& experts = c.spec.experts;
  const Matrix logits = view(c.activations.router_logits, c.rows, experts.count);
  product(c, x, {Slot::kRouter, Slot::kRouterBias}, logits);
  c.backend.route_experts({.gate = experts.gate,
                           .logits = logits,
                           .selection_bias = c.weights.vector(Slot::kSelectionBias),
                           .expert_scale = c.weights.vector(Slot::kExpertsDownScale),
                           .groups = experts.groups,
                           .groups_used = experts.groups_used,
                           .used = experts.used,
                           .normalize = experts.normalize,
                           .scale = experts.scale,
                           .ids = c.activations.expert_ids.as<int32_t>(),
                           .weights = c.activations.expert_weights.as<float>()});
}

void expert_feed_forward(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const Matrix room = view(c.activations.expert_in, c.rows, c.spec.hidden);
  // A router with a scale, and experts with a norm, read the residual stream instead of x.
  const NormSlots router_norm = {Slot::kRouterScale};
  const NormSlots experts_norm = {Slot::kExpertsNorm};
  const bool has_router_norm = c.weights.vector(router_norm.weight) != nullptr;
  if (!c.spec.experts.early) {
    choose_experts(c, has_router_norm ? normed_or_same(c, residual_of(c), router_norm, room) : x);
  }
  const bool has_experts_norm = c.weights.vector(experts_norm.weight) != nullptr;
  run_experts(c, has_experts_norm ? normed_or_same(c, residual_of(c), experts_norm, room) : x, out);
  norm_in_place(c, out, {Slot::kPostExpertsNorm});
  if (c.layer.shared_ffn == 0) return;

  run_shared(c, x, room);
  norm_in_place(c, room, {Slot::kPostSharedNorm});
  c.backend.add({.a = out, .b = room, .out = out});
}

}  // namespace chasqui::model
