#include "backend/cpu/cpu_backend.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/cpu_context.h"
#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/isa_levels.h"
#include "backend/cpu/processors.h"
#include "backend/cpu/weights.h"

namespace chasqui::backend::cpu {
namespace {

// More would only be a typing mistake; a team of thousands starts slowly and helps nobody.
constexpr int kMaxThreads = 1024;

// Forwards each op to its file.
class CpuBackend final : public Backend {
 public:
  CpuBackend(const KernelTable& kernels, int threads, std::vector<int> pin_to,
             const CpuOptions& options)
      : context_(kernels, threads, std::move(pin_to)), weights_(context_, options) {}

  std::string name() const override { return std::string("cpu-") + context_.kernels.isa; }

  Result<std::unique_ptr<Weight>> prepare(const TensorView& view, WeightUse use,
                                          std::string_view tensor_name) override {
    if (use == WeightUse::kTable) return make_table(view, tensor_name);
    return weights_.prepare(view, tensor_name);
  }
  Result<std::unique_ptr<KvPool>> allocate_kv(const KvSpec& spec) override {
    return cpu::allocate_kv(spec);
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
  void route_experts(const RouteArgs& args) override { cpu::route_experts(context_, args); }
  void expert_linear(const ExpertLinearArgs& args) override { cpu::expert_linear(context_, args); }
  void combine_experts(const CombineArgs& args) override { cpu::combine_experts(context_, args); }
  void gather_rows(const GatherArgs& args) override { cpu::gather_rows(context_, args); }

  void read(const float* from, float* to, int64_t count) override {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
  }

 private:
  CpuContext context_;
  WeightStore weights_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options) {
  CHASQUI_TRY(const KernelTable kernels, find_kernels(options.isa));
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} CPU threads: 0 (one for each processor) to {} are possible",
                            options.threads, kMaxThreads),
                "threads");
  }
  std::vector<int> processors = allowed_processors();
  const int threads = options.threads > 0 ? options.threads : static_cast<int>(processors.size());
  std::vector<int> pin_to;
  if (options.pin_threads) {
    for (int t = 0; t < threads; ++t) {
      pin_to.push_back(processors[static_cast<size_t>(t) % processors.size()]);
    }
  }
  return std::make_unique<CpuBackend>(kernels, threads, std::move(pin_to), options);
}

}  // namespace chasqui::backend::cpu
