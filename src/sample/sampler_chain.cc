#include "sample/sampler_chain.h"

#include <limits>
#include <random>

#include "base/check.h"
#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

}  // namespace

struct SamplerChain::State {
  explicit State(uint64_t seed) : rng(seed) {}

  struct Entry {
    Stage stage;
    SamplerPtr sampler;
  };

  Rng rng;
  int32_t vocab_size = 0;
  std::shared_ptr<TokenFilter> filter;
  std::vector<Entry> samplers;  // in table order, hence in stage order
  std::vector<int32_t> banned;  // for the next choice only
  Candidates candidates;        // kept for its buffers
  std::vector<float> reported;  // logits that log-probabilities are taken from, when asked for

  void apply_stage(Stage stage, Step& step) {
    for (Entry& entry : samplers) {
      if (entry.stage == stage && !step.chosen) entry.sampler->apply(step);
    }
  }

  void ban(std::span<float> logits) {
    for (int32_t token : banned) {
      logits[static_cast<size_t>(token)] = -std::numeric_limits<float>::infinity();
    }
    banned.clear();
  }

  // The token that the filter leaves no choice about. A banned one is left to choose().
  std::optional<int32_t> forced() const {
    if (!filter || !banned.empty()) return std::nullopt;
    const int32_t token = filter->forced();
    if (token < 0 || token >= vocab_size) return std::nullopt;
    return token;
  }

  // The chosen token, or none when no token is possible.
  std::optional<int32_t> choose(Step& step) {
    ban(step.logits);
    apply_stage(Stage::kLogits, step);
    candidates.reset(step.logits);
    if (candidates.empty()) return std::nullopt;
    apply_stage(Stage::kChoice, step);
    return step.chosen;
  }
};

SamplerChain::SamplerChain(const SamplingSpec& spec, int32_t vocab_size, int32_t newline,
                           std::shared_ptr<TokenFilter> filter)
    : seed_(spec.seed ? *spec.seed : fresh_seed()), state_(std::make_unique<State>(seed_)) {
  state_->vocab_size = vocab_size;
  state_->filter = std::move(filter);
  const ChainContext context{vocab_size, newline, state_->filter.get()};
  for (const SamplerRow& row : sampler_rows()) {
    if (SamplerPtr sampler = row.make(spec, context)) {
      state_->samplers.push_back({row.stage, std::move(sampler)});
    }
  }
}

SamplerChain::~SamplerChain() = default;

void SamplerChain::prime(std::span<const int32_t> prompt) {
  for (auto& entry : state_->samplers) entry.sampler->prime(prompt);
}

void SamplerChain::follow(const SamplerChain& other) {
  CHASQUI_CHECK(state_->samplers.size() == other.state_->samplers.size(),
                "a chain follows one of another spec");
  state_->rng = other.state_->rng;
  for (size_t i = 0; i < state_->samplers.size(); ++i) {
    state_->samplers[i].sampler->follow(*other.state_->samplers[i].sampler);
  }
}

void SamplerChain::ban_next(int32_t token) {
  if (token >= 0 && token < state_->vocab_size) state_->banned.push_back(token);
}

Sampled SamplerChain::sample(std::span<float> logits, int top_logprobs) {
  CHASQUI_CHECK(logits.size() == static_cast<size_t>(state_->vocab_size),
                "{} logits for a vocabulary of {}", logits.size(), state_->vocab_size);
  Step step{logits, state_->candidates, state_->rng, std::nullopt};
  state_->apply_stage(Stage::kBias, step);
  if (top_logprobs >= 0) state_->reported.assign(logits.begin(), logits.end());

  const std::optional<int32_t> forced = state_->forced();
  const std::optional<int32_t> chosen = forced ? forced : state_->choose(step);
  if (chosen) {
    for (auto& entry : state_->samplers) entry.sampler->accept(*chosen);
  }
  const int32_t token = chosen.value_or(0);
  if (top_logprobs >= 0) return log_probabilities(state_->reported, token, top_logprobs);
  Sampled result;
  result.token = token;
  return result;
}

}  // namespace chasqui::sample
