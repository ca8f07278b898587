#include "model/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/checked_math.h"
#include "model/arch/architecture.h"
#include "model/internal/activations.h"
#include "model/internal/embedding.h"
#include "model/internal/layer.h"
#include "model/internal/metadata.h"
#include "model/internal/pooled_heads.h"
#include "model/internal/rope_tables.h"
#include "model/internal/tensor_list.h"
#include "model/internal/weights.h"

namespace chasqui::model {
namespace {

// States that can be found again are this far apart: prompts that share their beginning then
// compute at most so many tokens twice, and a long prompt leaves a state for as many tokens as
// weigh about as much in keys and values.
constexpr int64_t kStateEveryTokens = 512;

using backend::dense;
using backend::Matrix;

struct Blueprint {
  const Architecture* architecture = nullptr;
  ModelSpec spec;
};

Result<Blueprint> read_blueprint(const gguf::File& file) {
  CHASQUI_TRY(const Metadata metadata, Metadata::open(file));
  Blueprint blueprint;
  blueprint.architecture = find_architecture(metadata.architecture());
  if (blueprint.architecture == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: the architecture \"{}\" is not supported; supported are: {}",
                            file.path(), metadata.architecture(), architecture_names()));
  }
  CHASQUI_TRY(blueprint.spec, blueprint.architecture->read_spec(metadata));
  for (size_t i = 0; i < blueprint.spec.layers.size(); ++i) {
    if (blueprint.spec.layers[i].mixer != Mixer::kNone) continue;
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("{}: {} gives layer {} no heads, which {} models do not allow", file.path(),
                    metadata.key("attention.head_count_kv"), i, metadata.architecture()));
  }
  return blueprint;
}

void apply_overrides(const RopeOverrides& overrides, ModelSpec& spec) {
  for (RopeSpec& rope : spec.ropes) {
    if (!rope.overridable) continue;
    rope.scaling = overrides.scaling.value_or(rope.scaling);
    rope.base = overrides.base.value_or(rope.base);
    rope.factor = overrides.factor.value_or(rope.factor);
    rope.yarn_extrapolation = overrides.yarn_extrapolation.value_or(rope.yarn_extrapolation);
    rope.attention_factor = overrides.attention_factor.value_or(rope.attention_factor);
    rope.yarn_beta_fast = overrides.yarn_beta_fast.value_or(rope.yarn_beta_fast);
    rope.yarn_beta_slow = overrides.yarn_beta_slow.value_or(rope.yarn_beta_slow);
    rope.original_context = overrides.original_context.value_or(rope.original_context);
    // A factor alone asks for the linear kind, as it always did.
    if (overrides.factor && rope.scaling == RopeScaling::kNone) rope.scaling = RopeScaling::kLinear;
  }
}

// The tensor that divides the rope's frequencies for this context, or null.
const float* rope_factors(const RopeSpec& rope, const Weights& weights, int64_t context) {
  switch (rope.factors) {
    case RopeFactors::kNone:
      return nullptr;
    case RopeFactors::kAlways:
      return weights.global.vector(Slot::kRopeFactors);
    case RopeFactors::kByContext:
      return weights.global.vector(context > rope.original_context ? Slot::kRopeFactorsLong
                                                                   : Slot::kRopeFactorsShort);
  }
  return nullptr;
}

}  // namespace

struct Model::Impl {
  backend::Backend& backend;
  ModelSpec spec;
  LoadOptions options;
  Weights weights;
  PooledHeads heads;
  Activations activations;
  std::vector<RopeTable> ropes;
  std::vector<std::unique_ptr<backend::KvPool>> cache;  // by layer; null where it uses another's
  std::vector<std::unique_ptr<backend::StatePool>> states;  // by layer; null where not recurrent
  std::vector<int64_t> cache_blocks;                        // one for each group
  std::vector<float> host_logits;                           // [max_logit_rows, vocab]
  std::vector<float> host_hidden;  // [max_rows, hidden], grown on first use

  Matrix rows_of(const Buffer& buffer, int64_t rows, int64_t cols) const {
    return dense(buffer.as<float>(), rows, cols);
  }
  void fill_rope(std::span<const int32_t> positions) const;
  void fill_query_scale(std::span<const int32_t> positions) const;
  const float* rope_of(const LayerSpec& layer, int64_t rows) const;
  const float* query_scale_of(const LayerSpec& layer) const;
  // Whether layer `i` has memory of its own in `group`.
  bool caches(size_t i, int group) const {
    return spec.layers[i].cache_group == group && cache[i] != nullptr;
  }
  // Null for layers that are recurrent.
  backend::KvPool* cache_of(size_t i) const {
    const int other = spec.layers[i].kv_layer;
    const size_t own = other < 0 ? i : static_cast<size_t>(other);
    return cache[cache[own] != nullptr || spec.causal ? own : 0].get();
  }
  Status allocate_states();
  void copy_blocks(std::span<const BlockCopy> copies);
  void run_layers(const StepInputs& inputs);
  void normed_rows(std::span<const int32_t> rows, const Matrix& out);
  std::span<float> compute_logits(std::span<const int32_t> rows);
  std::span<const float> compute_hidden(std::span<const int32_t> rows);
};

Result<ModelSpec> read_spec(const gguf::File& file) {
  CHASQUI_TRY(Blueprint blueprint, read_blueprint(file));
  return std::move(blueprint.spec);
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::load(const gguf::File& file, backend::Backend& backend,
                                           const LoadOptions& options) {
  CHASQUI_TRY(Blueprint blueprint, read_blueprint(file));
  CHASQUI_TRY_STATUS(check_tensors(file, *blueprint.architecture, blueprint.spec));
  apply_overrides(options.rope, blueprint.spec);
  auto impl = std::unique_ptr<Impl>(new Impl{.backend = backend,
                                             .spec = std::move(blueprint.spec),
                                             .options = options,
                                             .weights = {},
                                             .heads = {},
                                             .activations = {},
                                             .ropes = {},
                                             .cache = {},
                                             .states = {},
                                             .cache_blocks = {},
                                             .host_logits = {},
                                             .host_hidden = {}});
  CHASQUI_TRY(impl->activations,
              Activations::allocate(impl->spec, backend, options.max_rows, options.max_logit_rows));
  CHASQUI_TRY(impl->weights,
              load_weights(file, *blueprint.architecture, impl->spec, backend, options.progress));
  CHASQUI_TRY(impl->heads, PooledHeads::make(file, impl->spec, impl->weights.global, backend));
  const int64_t context = options.context > 0 ? options.context : impl->spec.context_length;
  for (const RopeSpec& rope : impl->spec.ropes) {
    impl->ropes.emplace_back(rope, rope_factors(rope, impl->weights, context));
  }
  return std::unique_ptr<Model>(new Model(std::move(impl)));
}

const ModelSpec& Model::spec() const {
  return impl_->spec;
}
const LoadOptions& Model::options() const {
  return impl_->options;
}
std::vector<std::span<const std::byte>> Model::weight_memory() const {
  return impl_->weights.host_memory();
}
int64_t Model::cache_blocks(int group) const {
  return impl_->cache_blocks[static_cast<size_t>(group)];
}

std::vector<CacheSpec> Model::cache_groups(DType key_type, DType value_type) const {
  std::vector<CacheSpec> groups;
  for (const int64_t window : impl_->spec.cache_windows) {
    groups.push_back({backend::kKvBlockTokens, 0, window});
  }
  if (impl_->spec.state_group >= 0) {
    groups[static_cast<size_t>(impl_->spec.state_group)].state_every_tokens = kStateEveryTokens;
  }
  for (size_t i = 0; i < impl_->spec.layers.size(); ++i) {
    const LayerSpec& layer = impl_->spec.layers[i];
    groups[static_cast<size_t>(layer.cache_group)].bytes_per_block +=
        layer.state_floats * static_cast<int64_t>(sizeof(float));
    if (!impl_->spec.has_cache(i)) continue;
    // An estimate where a row is no whole number of the type's blocks; the pool itself knows.
    const DTypeInfo& key = dtype_info(key_type);
    const DTypeInfo& value = dtype_info(value_type);
    const int64_t token_bytes = ceil_div(layer.k_width(), key.block_values) * key.block_bytes +
                                ceil_div(layer.v_width(), value.block_values) * value.block_bytes;
    groups[static_cast<size_t>(layer.cache_group)].bytes_per_block +=
        token_bytes * backend::kKvBlockTokens;
  }
  return groups;
}

Status Model::allocate_cache(const CacheOptions& options) {
  CHASQUI_CHECK(options.blocks.size() == impl_->spec.cache_windows.size(),
                "{} block counts for {} cache groups", options.blocks.size(),
                impl_->spec.cache_windows.size());
  impl_->cache_blocks = options.blocks;
  impl_->cache.clear();
  CHASQUI_TRY_STATUS(impl_->allocate_states());
  for (size_t i = 0; i < impl_->spec.layers.size(); ++i) {
    if (!impl_->spec.has_cache(i)) {
      impl_->cache.push_back(nullptr);
      continue;
    }
    const LayerSpec& layer = impl_->spec.layers[i];
    const backend::KvSpec spec{.blocks = options.blocks[static_cast<size_t>(layer.cache_group)],
                               .kv_heads = layer.kv_heads,
                               .key_dim = layer.key_dim,
                               .value_dim = layer.value_dim,
                               .key_type = options.key_type,
                               .value_type = options.value_type};
    CHASQUI_TRY(auto pool, impl_->backend.allocate_kv(spec));
    impl_->cache.push_back(std::move(pool));
  }
  return {};
}

Status Model::Impl::allocate_states() {
  states.clear();
  for (const LayerSpec& layer : spec.layers) {
    states.push_back(nullptr);
    if (!layer.is_recurrent()) continue;
    const int64_t count = cache_blocks[static_cast<size_t>(layer.cache_group)];
    CHASQUI_TRY(states.back(), backend.allocate_states({count, layer.state_floats}));
  }
  return {};
}

int64_t Model::block_bytes(int group) const {
  CHASQUI_CHECK(group != impl_->spec.state_group, "group {} has no blocks but states", group);
  int64_t bytes = 0;
  for (size_t i = 0; i < impl_->cache.size(); ++i) {
    if (impl_->caches(i, group)) bytes += impl_->cache[i]->block_bytes();
  }
  return bytes;
}

void Model::read_block(int group, int32_t block, std::span<std::byte> to) const {
  CHASQUI_CHECK(static_cast<int64_t>(to.size()) == block_bytes(group), "{} bytes for a block of {}",
                to.size(), block_bytes(group));
  std::byte* next = to.data();
  for (size_t i = 0; i < impl_->cache.size(); ++i) {
    if (!impl_->caches(i, group)) continue;
    impl_->cache[i]->read_block(block, next);
    next += impl_->cache[i]->block_bytes();
  }
}

void Model::write_block(int group, int32_t block, std::span<const std::byte> from) {
  CHASQUI_CHECK(static_cast<int64_t>(from.size()) == block_bytes(group),
                "{} bytes for a block of {}", from.size(), block_bytes(group));
  const std::byte* next = from.data();
  for (size_t i = 0; i < impl_->cache.size(); ++i) {
    if (!impl_->caches(i, group)) continue;
    impl_->cache[i]->write_block(block, next);
    next += impl_->cache[i]->block_bytes();
  }
}

// Tables of all ropes, one after another, each [rows, rotated / 2, 2].
void Model::Impl::fill_rope(std::span<const int32_t> positions) const {
  float* out = activations.rope.as<float>();
  for (const RopeTable& table : ropes) {
    table.fill(positions, out);
    out += static_cast<int64_t>(positions.size()) * table.floats_per_row();
  }
}

const float* Model::Impl::rope_of(const LayerSpec& layer, int64_t rows) const {
  if (layer.rope < 0) return nullptr;
  const float* table = activations.rope.as<float>();
  for (int i = 0; i < layer.rope; ++i) {
    table += rows * ropes[static_cast<size_t>(i)].floats_per_row();
  }
  return table;
}

const float* Model::Impl::query_scale_of(const LayerSpec& layer) const {
  const bool scales = spec.temperature_length > 0 && layer.scales_queries;
  return scales ? activations.query_scale.as<float>() : nullptr;
}

void Model::Impl::copy_blocks(std::span<const BlockCopy> copies) {
  if (copies.empty()) return;
  for (size_t i = 0; i < cache.size(); ++i) {
    for (const BlockCopy& copy : copies) {
      if (caches(i, copy.group)) cache[i]->copy_block(copy.from, copy.to);
    }
  }
}

void Model::Impl::fill_query_scale(std::span<const int32_t> positions) const {
  if (spec.temperature_length == 0) return;
  float* out = activations.query_scale.as<float>();
  for (const int32_t position : positions) {
    const auto lengths =
        static_cast<float>((position + spec.temperature_offset) / spec.temperature_length);
    *out++ = 1.0f + spec.temperature_scale * std::log1p(lengths);
  }
}

void Model::Impl::run_layers(const StepInputs& inputs) {
  const auto rows = static_cast<int64_t>(inputs.tokens.size());
  embed_tokens({backend, spec, weights.global, activations}, inputs.tokens, inputs.positions);
  fill_rope(inputs.positions);
  fill_query_scale(inputs.positions);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = spec.layers[i];
    layer_forward({.backend = backend,
                   .spec = spec,
                   .layer = layer,
                   .weights = weights.layers[i],
                   .cache = cache_of(i),
                   .states = states[i].get(),
                   .activations = activations,
                   .rows = rows,
                   .index = static_cast<int64_t>(i),
                   .rope = rope_of(layer, rows),
                   .query_scale = query_scale_of(layer),
                   .slices = inputs.groups[static_cast<size_t>(layer.cache_group)]});
  }
}

// The named rows of the residual stream after the final norm.
void Model::Impl::normed_rows(std::span<const int32_t> rows, const Matrix& out) {
  backend.gather_rows({.x = rows_of(activations.residual, options.max_rows, spec.hidden),
                       .rows = rows,
                       .out = out});
  if (weights.global.vector(Slot::kOutputNorm) == nullptr) return;
  backend.norm({.kind = spec.norm,
                .x = out,
                .group = spec.hidden,
                .weight = weights.global.vector(Slot::kOutputNorm),
                .bias = weights.global.vector(Slot::kOutputNormBias),
                .eps = spec.norm_eps,
                .out = out});
}

std::span<float> Model::Impl::compute_logits(std::span<const int32_t> rows) {
  if (rows.empty()) return {};
  const auto count = static_cast<int64_t>(rows.size());
  const Matrix gathered = rows_of(activations.gathered, count, spec.hidden);
  normed_rows(rows, gathered);
  const Matrix logits = rows_of(activations.logits, count, spec.vocab);
  const backend::LinearTarget output[] = {
      {weights.global.matrix(Slot::kOutput), weights.global.vector(Slot::kOutputBias), logits}};
  backend.linear({gathered, output});
  host_logits.resize(static_cast<size_t>(count * spec.vocab));
  backend.read(logits.data, host_logits.data(), count * spec.vocab);
  if (spec.logit_scale != 1.0f) {
    for (float& logit : host_logits) logit *= spec.logit_scale;
  }
  if (const float cap = spec.logit_softcap; cap > 0) {
    for (float& logit : host_logits) logit = cap * std::tanh(logit / cap);
  }
  return host_logits;
}

std::span<const float> Model::Impl::compute_hidden(std::span<const int32_t> rows) {
  if (rows.empty()) return {};
  const auto count = static_cast<int64_t>(rows.size());
  const Matrix gathered = rows_of(activations.gathered, count, spec.hidden);
  normed_rows(rows, gathered);
  host_hidden.resize(static_cast<size_t>(count * spec.hidden));
  backend.read(gathered.data, host_hidden.data(), count * spec.hidden);
  return host_hidden;
}

int64_t Model::embedding_size() const {
  return impl_->heads.embedding_size();
}
int64_t Model::rank_outputs() const {
  return impl_->heads.rank_outputs();
}
std::vector<float> Model::finish_embedding(std::vector<float> pooled) const {
  return impl_->heads.embed(std::move(pooled));
}
std::vector<float> Model::rank(std::vector<float> pooled) const {
  return impl_->heads.rank(std::move(pooled));
}

StepOutputs Model::forward(const StepInputs& inputs) {
  const auto rows = static_cast<int64_t>(inputs.tokens.size());
  CHASQUI_CHECK(rows > 0 && rows <= impl_->options.max_rows, "{} rows of at most {}", rows,
                impl_->options.max_rows);
  CHASQUI_CHECK(static_cast<int64_t>(inputs.logit_rows.size()) <= impl_->options.max_logit_rows,
                "{} logit rows of at most {}", inputs.logit_rows.size(),
                impl_->options.max_logit_rows);
  CHASQUI_CHECK(inputs.groups.size() == impl_->spec.cache_windows.size() && !impl_->cache.empty(),
                "{} slice groups, {} caches", inputs.groups.size(), impl_->cache.size());
  CHASQUI_CHECK(impl_->spec.causal || inputs.logit_rows.empty(), "logits of an encoder");
  impl_->copy_blocks(inputs.copies);
  impl_->run_layers(inputs);
  return {.logits = impl_->compute_logits(inputs.logit_rows),
          .hidden = impl_->compute_hidden(inputs.hidden_rows)};
}

}  // namespace chasqui::model
