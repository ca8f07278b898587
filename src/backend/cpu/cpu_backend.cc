#include "backend/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/cpu_context.h"
#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/cpu_quota.h"
#include "backend/cpu/isa_levels.h"
#include "backend/cpu/placement.h"
#include "backend/cpu/topology.h"
#include "backend/cpu/weights.h"

namespace chasqui::backend::cpu {
namespace {

// More would only be a typing mistake; a team of thousands starts slowly and helps nobody.
constexpr int kMaxThreads = 1024;

// Forwards each op to its file.
class CpuBackend final : public Backend {
 public:
  CpuBackend(const KernelTable& kernels, const Placement& placement, PlaceMemory place_memory,
             const CpuOptions& options)
      : context_(kernels, placement, std::move(place_memory)),
        weights_(context_, options),
        bind_to_(placement.bind_to) {}

  std::string name() const override { return std::string("cpu-") + context_.kernels.isa; }

  void adopt_thread() override {
    if (!bind_to_.empty()) bind_this_thread(bind_to_.front());
  }

  void measure_loops() override { context_.team.measure_loops(); }
  LoopTimes loop_times() const override { return context_.team.loop_times(); }

  Result<std::unique_ptr<Weight>> prepare(const TensorView& view, WeightUse use,
                                          std::string_view tensor_name) override {
    if (use == WeightUse::kTable) return make_table(view, tensor_name);
    return weights_.prepare(view, tensor_name);
  }
  Result<std::unique_ptr<KvPool>> allocate_kv(const KvSpec& spec) override {
    return cpu::allocate_kv(context_, spec);
  }
  Result<std::unique_ptr<StatePool>> allocate_states(const StateSpec& spec) override {
    return cpu::allocate_states(context_, spec);
  }
  Result<Buffer> allocate(size_t bytes) override { return Buffer::allocate(bytes); }
  bool supports_kv_type(DType type) const override { return cpu::supports_kv_type(type); }

  void embed(const EmbedArgs& args) override { cpu::embed(context_, args); }
  void linear(const LinearArgs& args) override { cpu::linear(context_, args); }
  void norm(const NormArgs& args) override { cpu::norm(context_, args); }
  void rope(const RopeArgs& args) override { cpu::rope(context_, args); }
  void store_kv(const StoreKvArgs& args) override { cpu::store_kv(context_, args); }
  void attention(const AttentionArgs& args) override { cpu::attention(context_, args); }
  void activation(const ActivationArgs& args) override { cpu::activation(context_, args); }
  void add(const AddArgs& args) override { cpu::add(context_, args); }
  void scale_rows(const ScaleRowsArgs& args) override { cpu::scale_rows(context_, args); }
  void copy(const CopyArgs& args) override { cpu::copy(context_, args); }
  void route_experts(const RouteArgs& args) override { cpu::route_experts(context_, args); }
  void expert_linear(const ExpertLinearArgs& args) override { cpu::expert_linear(context_, args); }
  void combine_experts(const CombineArgs& args) override { cpu::combine_experts(context_, args); }
  void gather_rows(const GatherArgs& args) override { cpu::gather_rows(context_, args); }
  void conv_update(const ConvUpdateArgs& args) override { cpu::conv_update(context_, args); }
  void delta_rule(const DeltaRuleArgs& args) override { cpu::delta_rule(context_, args); }

  void read(const float* from, float* to, int64_t count) override {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
  }

 private:
  CpuContext context_;
  WeightStore weights_;
  const std::vector<int> bind_to_;
};

// How memory is placed; empty: where it is touched first.
PlaceMemory memory_placer(std::shared_ptr<const Topology> topology, const Placement& placement) {
  if (!placement.interleave_memory) return {};
  auto warned = std::make_shared<bool>(false);
  return [topology = std::move(topology), warned](std::span<std::byte> memory) {
    const Status done = topology->interleave(memory);
    if (done || std::exchange(*warned, true)) return;
    spdlog::warn(
        "numa: memory cannot be spread over the nodes ({}); it lies where it is touched first. "
        "A container needs the capability SYS_NICE for it",
        done.error().message);
  };
}

void report_numa(const Topology& topology, const Placement& placement) {
  if (placement.interleave_memory) {
    spdlog::info("numa: {} threads bound over {} nodes, memory interleaved", placement.threads,
                 topology.nodes());
  } else {
    spdlog::warn("numa has no effect: the processors that we may use are all on one node");
  }
}

}  // namespace

int default_threads() {
  const Topology topology = Topology::of_this_machine();
  return place(topology.processors(), {.quota = cpu_quota()}).threads;
}

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options) {
  CHASQUI_TRY(const KernelTable kernels, find_kernels(options.isa));
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} CPU threads: 0 (one for each core) to {} are possible",
                            options.threads, kMaxThreads),
                "threads");
  }
  const auto topology = std::make_shared<const Topology>(Topology::of_this_machine());
  const Placement placement = place(topology->processors(), {.threads = options.threads,
                                                             .pin = options.pin_threads,
                                                             .numa = options.numa,
                                                             .quota = cpu_quota()});
  if (options.numa) report_numa(*topology, placement);
  return std::make_unique<CpuBackend>(kernels, placement, memory_placer(topology, placement),
                                      options);
}

}  // namespace chasqui::backend::cpu
