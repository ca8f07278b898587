#include "app/recording_backend.h"

#include <string_view>
#include <unordered_map>
#include <utility>

namespace chasqui::app {
namespace {

using backend::Backend;
using backend::KvPool;
using backend::KvSpec;
using backend::Weight;
using backend::WeightUse;
using quantize::ImportanceSums;

class Recorder final : public RecordingBackend {
 public:
  Recorder(std::unique_ptr<Backend> backend, bool with_output)
      : inner_(std::move(backend)), with_output_(with_output) {}

  const std::map<std::string, ImportanceSums>& sums() const override { return sums_; }

  std::string name() const override { return inner_->name(); }
  Result<std::unique_ptr<Weight>> prepare(const TensorView& view, WeightUse use,
                                          std::string_view tensor_name) override {
    CHASQUI_TRY(auto weight, inner_->prepare(view, use, tensor_name));
    const bool wanted = with_output_ || tensor_name.starts_with("blk.");
    if (use == WeightUse::kMatrix && wanted) names_[weight.get()] = tensor_name;
    return weight;
  }
  Result<std::unique_ptr<KvPool>> allocate_kv(const KvSpec& spec) override {
    return inner_->allocate_kv(spec);
  }
  Result<std::unique_ptr<backend::StatePool>> allocate_states(
      const backend::StateSpec& spec) override {
    return inner_->allocate_states(spec);
  }
  Result<Buffer> allocate(size_t bytes) override { return inner_->allocate(bytes); }
  bool supports_kv_type(DType type) const override { return inner_->supports_kv_type(type); }
  void adopt_thread() override { inner_->adopt_thread(); }
  void measure_loops() override { inner_->measure_loops(); }
  LoopTimes loop_times() const override { return inner_->loop_times(); }

  void linear(const backend::LinearArgs& args) override {
    inner_->linear(args);
    std::vector<double> squares(static_cast<size_t>(args.x.cols));
    for (int64_t r = 0; r < args.x.rows; ++r) add_squares(args.x.row(r), squares);
    for (const backend::LinearTarget& target : args.targets) {
      ImportanceSums* sums = sums_of(*target.weight);
      if (sums == nullptr) continue;
      for (size_t i = 0; i < squares.size(); ++i) sums->squares[i] += squares[i];
      sums->counts[0] += args.x.rows;
    }
  }

  void expert_linear(const backend::ExpertLinearArgs& args) override {
    inner_->expert_linear(args);
    const auto cols = static_cast<size_t>(args.x.cols);
    const bool row_a_token = args.x.rows == args.tokens;
    for (const backend::ExpertTarget& target : args.targets) {
      ImportanceSums* sums = sums_of(*target.weight);
      if (sums == nullptr) continue;
      for (int64_t slot = 0; slot < args.tokens * args.used; ++slot) {
        const auto expert = static_cast<size_t>(args.ids[slot]);
        const float* x = args.x.row(row_a_token ? slot / args.used : slot);
        add_squares(x, std::span(sums->squares).subspan(expert * cols, cols));
        ++sums->counts[expert];
      }
    }
  }

  void embed(const backend::EmbedArgs& args) override { inner_->embed(args); }
  void norm(const backend::NormArgs& args) override { inner_->norm(args); }
  void rope(const backend::RopeArgs& args) override { inner_->rope(args); }
  void store_kv(const backend::StoreKvArgs& args) override { inner_->store_kv(args); }
  void attention(const backend::AttentionArgs& args) override { inner_->attention(args); }
  void activation(const backend::ActivationArgs& args) override { inner_->activation(args); }
  void add(const backend::AddArgs& args) override { inner_->add(args); }
  void scale_rows(const backend::ScaleRowsArgs& args) override { inner_->scale_rows(args); }
  void copy(const backend::CopyArgs& args) override { inner_->copy(args); }
  void conv_update(const backend::ConvUpdateArgs& args) override { inner_->conv_update(args); }
  void delta_rule(const backend::DeltaRuleArgs& args) override { inner_->delta_rule(args); }
  void route_experts(const backend::RouteArgs& args) override { inner_->route_experts(args); }
  void combine_experts(const backend::CombineArgs& args) override { inner_->combine_experts(args); }
  void gather_rows(const backend::GatherArgs& args) override { inner_->gather_rows(args); }
  void read(const float* from, float* to, int64_t count) override { inner_->read(from, to, count); }

 private:
  static void add_squares(const float* x, std::span<double> squares) {
    for (size_t i = 0; i < squares.size(); ++i) squares[i] += double{x[i]} * x[i];
  }

  // nullptr for matrices that are not recorded.
  ImportanceSums* sums_of(const Weight& weight) {
    const auto found = names_.find(&weight);
    if (found == names_.end()) return nullptr;
    ImportanceSums& sums = sums_[found->second];
    if (sums.counts.empty()) {
      sums.counts.resize(static_cast<size_t>(weight.experts()));
      sums.squares.resize(static_cast<size_t>(weight.experts() * weight.cols()));
    }
    return &sums;
  }

  const std::unique_ptr<Backend> inner_;
  const bool with_output_;
  std::unordered_map<const Weight*, std::string> names_;  // of recorded matrices
  std::map<std::string, ImportanceSums> sums_;
};

}  // namespace

std::unique_ptr<RecordingBackend> make_recording_backend(std::unique_ptr<backend::Backend> backend,
                                                         bool with_output) {
  return std::make_unique<Recorder>(std::move(backend), with_output);
}

}  // namespace chasqui::app
