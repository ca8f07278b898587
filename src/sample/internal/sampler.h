// What one sampler is, and the table of them all. To add one: a file with its make_ function, a
// declaration and a row here.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/rng.h"
#include "sample/internal/candidates.h"
#include "sample/sampling_spec.h"
#include "sample/token_filter.h"

namespace chasqui::sample {

// Everything that samplers share while one token is chosen.
struct Step {
  std::span<float> logits;  // changed by kBias and kLogits samplers
  Candidates& candidates;   // cut by kChoice samplers; set up from `logits` before them
  Rng& rng;
  std::optional<int32_t> chosen;  // set by a sampler that decides; the rest is then skipped
};

// One per chain, so it may keep state between tokens.
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual void apply(Step& step) = 0;
  virtual void prime(std::span<const int32_t> /*prompt*/) {}
  virtual void accept(int32_t /*token*/) {}
  // Takes over what `other`, made by the same row of the same spec, keeps between tokens.
  virtual void follow(const Sampler& /*other*/) {}
};

// What a sampler may need besides the spec.
struct ChainContext {
  int32_t vocab_size = 0;
  int32_t newline = -1;
  TokenFilter* filter = nullptr;
};

enum class Stage {
  kBias,    // part of the distribution that log-probabilities report
  kLogits,  // changes logits after that report
  kChoice,  // cuts candidates or decides
};

struct SamplerRow {
  std::string_view name;
  std::span<const std::string_view> parameters;  // fields of SamplingSpec that it reads
  Stage stage;
  // Null when the spec leaves it without effect.
  std::unique_ptr<Sampler> (*make)(const SamplingSpec&, const ChainContext&);
};

// All samplers in the order in which they are applied.
std::span<const SamplerRow> sampler_rows();

using SamplerPtr = std::unique_ptr<Sampler>;
SamplerPtr make_logit_bias(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_penalties(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_grammar(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_greedy(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_mirostat(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_mirostat_v2(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_top_k(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_tail_free(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_typical(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_top_p(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_min_p(const SamplingSpec& spec, const ChainContext& context);
SamplerPtr make_temperature(const SamplingSpec& spec, const ChainContext& context);

}  // namespace chasqui::sample
