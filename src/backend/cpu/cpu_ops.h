// The ops of the CPU backend, one file each, named after the op; arguments as ops.h defines them.
// CpuBackend (cpu_backend.cc) only forwards.
#pragma once

#include <memory>
#include <string_view>

#include "backend/backend.h"
#include "backend/cpu/cpu_context.h"

namespace chasqui::backend::cpu {

void embed(CpuContext& context, const EmbedArgs& args);                 // embed.cc
void linear(CpuContext& context, const LinearArgs& args);               // linear.cc
void norm(CpuContext& context, const NormArgs& args);                   // norm.cc
void rope(CpuContext& context, const RopeArgs& args);                   // rope.cc
void store_kv(CpuContext& context, const StoreKvArgs& args);            // attention.cc
void attention(CpuContext& context, const AttentionArgs& args);         // attention.cc
void activation(CpuContext& context, const ActivationArgs& args);       // activation.cc
void add(CpuContext& context, const AddArgs& args);                     // elementwise.cc
void scale_rows(CpuContext& context, const ScaleRowsArgs& args);        // elementwise.cc
void copy(CpuContext& context, const CopyArgs& args);                   // elementwise.cc
void route_experts(CpuContext& context, const RouteArgs& args);         // route.cc
void expert_linear(CpuContext& context, const ExpertLinearArgs& args);  // expert_linear.cc
void combine_experts(CpuContext& context, const CombineArgs& args);     // route.cc
void gather_rows(CpuContext& context, const GatherArgs& args);          // embed.cc
void conv_update(CpuContext& context, const ConvUpdateArgs& args);      // recurrent.cc
void delta_rule(CpuContext& context, const DeltaRuleArgs& args);        // recurrent.cc

// kv_pool.cc
Result<std::unique_ptr<KvPool>> allocate_kv(const CpuContext& context, const KvSpec& spec);
bool supports_kv_type(DType type);

// recurrent.cc
Result<std::unique_ptr<StatePool>> allocate_states(const CpuContext& context,
                                                   const StateSpec& spec);

// embed.cc: a weight that embed() reads rows from; refers to the bytes of the model file.
Result<std::unique_ptr<Weight>> make_table(const TensorView& view, std::string_view tensor_name);

}  // namespace chasqui::backend::cpu
