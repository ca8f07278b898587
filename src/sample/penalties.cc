// Repetition penalty (arXiv:1909.05858, section 4.1; negative logits are multiplied, so that the
// penalty never helps), and OpenAI's frequency and presence penalties, over a window of the last
// tokens, prompt included.
#include <deque>
#include <unordered_map>

#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class Penalties : public Sampler {
 public:
  Penalties(const SamplingSpec& spec, const ChainContext& context)
      : repeat_(spec.repeat_penalty),
        frequency_(spec.frequency_penalty),
        presence_(spec.presence_penalty),
        bounded_(spec.penalty_last_n > 0),
        limit_(static_cast<size_t>(spec.penalty_last_n)),
        exempt_(spec.penalize_newline ? -1 : context.newline),
        vocab_size_(context.vocab_size) {}

  void prime(std::span<const int32_t> prompt) override {
    if (bounded_ && prompt.size() > limit_) prompt = prompt.last(limit_);
    for (int32_t token : prompt) accept(token);
  }

  void accept(int32_t token) override {
    ++counts_[token];
    if (!bounded_) return;
    window_.push_back(token);
    if (window_.size() <= limit_) return;
    const auto oldest = counts_.find(window_.front());
    if (--oldest->second == 0) counts_.erase(oldest);
    window_.pop_front();
  }

  void follow(const Sampler& other) override {
    const auto& penalties = static_cast<const Penalties&>(other);
    window_ = penalties.window_;
    counts_ = penalties.counts_;
  }

  void apply(Step& step) override {
    for (const auto& [token, count] : counts_) {
      if (token == exempt_ || token < 0 || token >= vocab_size_) continue;
      float& logit = step.logits[static_cast<size_t>(token)];
      logit = logit > 0 ? logit / repeat_ : logit * repeat_;
      logit -= static_cast<float>(count) * frequency_ + presence_;
    }
  }

 private:
  const float repeat_, frequency_, presence_;
  const bool bounded_;
  const size_t limit_;
  const int32_t exempt_;
  const int32_t vocab_size_;
  std::deque<int32_t> window_;               // last limit_ tokens; unused when unbounded
  std::unordered_map<int32_t, int> counts_;  // how often each token stands in the window
};

}  // namespace

SamplerPtr make_penalties(const SamplingSpec& spec, const ChainContext& context) {
  const bool off = spec.repeat_penalty == 1.0f && spec.frequency_penalty == 0.0f &&
                   spec.presence_penalty == 0.0f;
  if (off || spec.penalty_last_n == 0) return nullptr;
  return std::make_unique<Penalties>(spec, context);
}

}  // namespace chasqui::sample
