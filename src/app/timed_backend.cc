#include "app/timed_backend.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace chasqui::app {
namespace {

using backend::Backend;
using backend::KvPool;
using backend::KvSpec;
using backend::Weight;
using backend::WeightUse;

class Timed final : public TimedBackend {
 public:
  explicit Timed(std::unique_ptr<Backend> backend) : inner_(std::move(backend)) {}

  OpTimes times() const override { return times_; }
  void reset() override { times_ = {}; }

  std::string name() const override { return inner_->name(); }
  Result<std::unique_ptr<Weight>> prepare(const TensorView& view, WeightUse use,
                                          std::string_view tensor_name) override {
    return inner_->prepare(view, use, tensor_name);
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

  void embed(const backend::EmbedArgs& args) override {
    timed(&OpTimes::other, &Backend::embed, args);
  }
  void linear(const backend::LinearArgs& args) override {
    timed(&OpTimes::products, &Backend::linear, args);
  }
  void norm(const backend::NormArgs& args) override {
    timed(&OpTimes::other, &Backend::norm, args);
  }
  void rope(const backend::RopeArgs& args) override {
    timed(&OpTimes::other, &Backend::rope, args);
  }
  void store_kv(const backend::StoreKvArgs& args) override {
    timed(&OpTimes::other, &Backend::store_kv, args);
  }
  void attention(const backend::AttentionArgs& args) override {
    timed(&OpTimes::attention, &Backend::attention, args);
  }
  void activation(const backend::ActivationArgs& args) override {
    timed(&OpTimes::other, &Backend::activation, args);
  }
  void add(const backend::AddArgs& args) override { timed(&OpTimes::other, &Backend::add, args); }
  void scale_rows(const backend::ScaleRowsArgs& args) override {
    timed(&OpTimes::other, &Backend::scale_rows, args);
  }
  void copy(const backend::CopyArgs& args) override {
    timed(&OpTimes::other, &Backend::copy, args);
  }
  void route_experts(const backend::RouteArgs& args) override {
    timed(&OpTimes::other, &Backend::route_experts, args);
  }
  void expert_linear(const backend::ExpertLinearArgs& args) override {
    timed(&OpTimes::products, &Backend::expert_linear, args);
  }
  void combine_experts(const backend::CombineArgs& args) override {
    timed(&OpTimes::other, &Backend::combine_experts, args);
  }
  void gather_rows(const backend::GatherArgs& args) override {
    timed(&OpTimes::other, &Backend::gather_rows, args);
  }
  void conv_update(const backend::ConvUpdateArgs& args) override {
    timed(&OpTimes::attention, &Backend::conv_update, args);
  }
  void delta_rule(const backend::DeltaRuleArgs& args) override {
    timed(&OpTimes::attention, &Backend::delta_rule, args);
  }
  void read(const float* from, float* to, int64_t count) override { inner_->read(from, to, count); }

 private:
  template <typename Args>
  void timed(double OpTimes::*kind, void (Backend::*op)(const Args&), const Args& args) {
    const Instant begin = clock_.now();
    ((*inner_).*op)(args);
    times_.*kind += seconds_between(begin, clock_.now());
  }

  const std::unique_ptr<Backend> inner_;
  const Clock clock_;
  OpTimes times_;
};

}  // namespace

std::unique_ptr<TimedBackend> make_timed_backend(std::unique_ptr<Backend> backend) {
  return std::make_unique<Timed>(std::move(backend));
}

}  // namespace chasqui::app
