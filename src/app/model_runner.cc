#include "app/model_runner.h"

#include <span>
#include <utility>
#include <vector>

#include "app/memory_plan.h"
#include "model/row_cost.h"

namespace chasqui::app {
namespace {

class LoadedModelRunner final : public engine::ModelRunner, kv::BlockMover {
 public:
  LoadedModelRunner(LoadedModel loaded, const model::CacheOptions& cache)
      : loaded_(std::move(loaded)),
        groups_(loaded_.model->cache_groups(cache.key_type, cache.value_type)) {}

  void begin() override { loaded_.backend->adopt_thread(); }
  int32_t vocab_size() const override { return static_cast<int32_t>(loaded_.model->spec().vocab); }
  int32_t hidden_size() const override {
    return static_cast<int32_t>(loaded_.model->spec().hidden);
  }
  std::span<const CacheSpec> cache_groups() const override { return groups_; }
  int64_t cache_blocks(int group) const override { return loaded_.model->cache_blocks(group); }
  int64_t max_rows() const override { return loaded_.model->options().max_rows; }
  int64_t max_logit_rows() const override { return loaded_.model->options().max_logit_rows; }
  int64_t even_depth() const override { return model::even_depth(loaded_.model->spec()); }
  bool causal() const override { return loaded_.model->spec().causal; }
  std::vector<float> finish_embedding(std::vector<float> pooled) override {
    return loaded_.model->finish_embedding(std::move(pooled));
  }
  int32_t rank_outputs() const override {
    return static_cast<int32_t>(loaded_.model->rank_outputs());
  }
  std::vector<float> rank(std::vector<float> pooled) override {
    return loaded_.model->rank(std::move(pooled));
  }
  model::StepOutputs forward(const model::StepInputs& inputs) override {
    return loaded_.model->forward(inputs);
  }
  kv::BlockMover* block_mover() override {
    return loaded_.model->spec().state_group >= 0 ? nullptr : this;
  }

 private:
  int64_t block_bytes(int group) const override { return loaded_.model->block_bytes(group); }
  void read(int group, kv::UnitId unit, std::span<std::byte> to) override {
    loaded_.model->read_block(group, unit, to);
  }
  void write(int group, kv::UnitId unit, std::span<const std::byte> from) override {
    loaded_.model->write_block(group, unit, from);
  }

  LoadedModel loaded_;
  std::vector<CacheSpec> groups_;
};

}  // namespace

Result<std::unique_ptr<engine::ModelRunner>> make_runner(LoadedModel loaded, int64_t cache_tokens,
                                                         const Settings& settings) {
  model::CacheOptions cache = cache_types(settings);
  for (const int64_t window : loaded.model->spec().cache_windows) {
    cache.blocks.push_back(group_blocks(window, cache_tokens, settings));
  }
  const model::ModelSpec& spec = loaded.model->spec();
  if (spec.state_group >= 0) {
    cache.blocks[static_cast<size_t>(spec.state_group)] = state_count(spec, settings);
  }
  CHASQUI_TRY_STATUS(loaded.model->allocate_cache(cache));
  return std::make_unique<LoadedModelRunner>(std::move(loaded), cache);
}

}  // namespace chasqui::app
