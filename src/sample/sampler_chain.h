// Logits to token, for one sequence. Order (the replaced server's): logit bias -> repetition,
// frequency and presence penalties -> grammar -> temperature 0: the best; mirostat 1 or 2: its
// own choice; else top-k -> tail-free -> typical -> top-p -> min-p -> temperature -> draw.
//
// Deterministic: equal spec, seed, history and logits give the equal token on every machine level
// of the same build, whatever else is in the batch. The vocabulary is never sorted as a whole.
// Not thread-safe; different chains may run on different threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/rng.h"
#include "sample/sampling_spec.h"
#include "sample/token_filter.h"

namespace chasqui::sample {

struct TokenLogprob {
  int32_t token = -1;
  float logprob = 0.0f;
};

struct Sampled {
  int32_t token = -1;
  float logprob = 0.0f;           // natural log, of the logits after bias, before penalties
  std::vector<TokenLogprob> top;  // the `top_logprobs` best, best first; empty unless asked for
};

class SamplerChain {
 public:
  // `newline`: id that `penalize_newline` is about, or -1. `filter` may be null.
  SamplerChain(const SamplingSpec& spec, int32_t vocab_size, int32_t newline,
               std::shared_ptr<TokenFilter> filter = nullptr);
  ~SamplerChain();

  // Tokens that came before the first choice, for the penalties.
  void prime(std::span<const int32_t> prompt);

  // Chooses a token and records it (history, mirostat, filter). `logits` [vocab_size] are
  // overwritten. A token that the filter forces is taken as it is: no sampler runs, nothing is
  // drawn, and mirostat's bound stays. `top_logprobs` < 0: no log-probabilities are computed.
  // Logits that are all -infinity or NaN choose token 0 rather than fail.
  Sampled sample(std::span<float> logits, int top_logprobs);

  // Goes on from where `other` is, with the same random numbers, history and bound of mirostat; the
  // filter stays this chain's own. REQUIRES: `other` was made of the same spec, and both with a
  // filter or both without. For guesses at what `other` will choose.
  void follow(const SamplerChain& other);

  // Forbids `token` for the next choice only (end of generation before min_tokens).
  void ban_next(int32_t token);

  uint64_t seed() const { return seed_; }

 private:
  struct State;
  uint64_t seed_;
  std::unique_ptr<State> state_;
};

// Log-probabilities of `logits` [n]: that of `token`, and the `top` best, ties to the lower id.
Sampled log_probabilities(std::span<const float> logits, int32_t token, int top);

}  // namespace chasqui::sample
