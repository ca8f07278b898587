// Mirostat 1 and 2, arXiv:2007.14966: keeps the surprise of the text near tau bits by moving the
// bound mu after every token. The replaced server started mu anew each time and so never adapted.
#include <algorithm>
#include <cmath>

#include "sample/internal/math.h"
#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

constexpr double kLn2 = 0.69314718055994531;
constexpr size_t kZipfRanks = 100;  // the paper's m: ranks that the exponent is estimated from

class Mirostat : public Sampler {
 public:
  Mirostat(const SamplingSpec& spec, bool second, double vocab_size)
      : second_(second),
        temperature_(spec.temperature),
        tau_(spec.mirostat_tau),
        eta_(spec.mirostat_eta),
        log_vocab_(log_real(std::max(2.0, vocab_size))),
        mu_(2.0 * spec.mirostat_tau) {}

  void follow(const Sampler& other) override { mu_ = static_cast<const Mirostat&>(other).mu_; }

  void apply(Step& step) override {
    Candidates& candidates = step.candidates;
    candidates.set_temperature(temperature_);
    if (second_) {
      // The candidates whose surprise is at most mu bits.
      candidates.keep_weight(candidates.total() * exp_real(-mu_ * kLn2));
    } else {
      candidates.keep(zipf_rank(candidates));
    }
    const Candidate drawn = candidates.at_fraction(step.rng.uniform());
    step.chosen = drawn.token;
    const double surprise =
        (log_real(candidates.total()) - log_real(candidates.weight(drawn))) / kLn2;
    mu_ -= eta_ * (surprise - tau_);
  }

 private:
  // Version 1: with probabilities falling like rank^-s, the rank at which surprise reaches mu.
  size_t zipf_rank(Candidates& candidates) {
    const double s = zipf_exponent(candidates);
    const double epsilon = s - 1;
    // epsilon / (1 - N^-epsilon) tends to 1 / ln N.
    const double slope =
        std::abs(epsilon) < 1e-9 ? 1 / log_vocab_ : epsilon / (1 - exp_real(-epsilon * log_vocab_));
    const double k = exp_real((log_real(slope) + mu_ * kLn2) / s);
    if (!(k >= 1)) return 1;
    return k < 1e9 ? static_cast<size_t>(k) : static_cast<size_t>(1e9);
  }

  // Least squares over the first ranks, equation 5 of the paper.
  double zipf_exponent(Candidates& candidates) {
    const auto top = candidates.best(kZipfRanks);
    double products = 0, squares = 0;
    for (size_t i = 0; i + 1 < top.size(); ++i) {
      // The logarithm of the quotient of two probabilities, from the logits: weights underflow.
      const double b = (static_cast<double>(top[i].logit) - top[i + 1].logit) / temperature_;
      const double rank = static_cast<double>(i);
      const double t = log_real((rank + 2) / (rank + 1));
      products += t * b;
      squares += t * t;
    }
    // A single candidate or a flat top says nothing; the smallest exponent keeps them all.
    constexpr double kFlattest = 1e-3;
    return squares > 0 ? std::max(kFlattest, products / squares) : kFlattest;
  }

  const bool second_;
  const float temperature_;
  const double tau_, eta_, log_vocab_;
  double mu_;  // bits; persists from token to token
};

SamplerPtr make(const SamplingSpec& spec, const ChainContext& context, int mode) {
  if (spec.mirostat_mode != mode || !(spec.temperature > 0)) return nullptr;
  return std::make_unique<Mirostat>(spec, mode == 2, context.vocab_size);
}

}  // namespace

SamplerPtr make_mirostat(const SamplingSpec& spec, const ChainContext& context) {
  return make(spec, context, 1);
}

SamplerPtr make_mirostat_v2(const SamplingSpec& spec, const ChainContext& context) {
  return make(spec, context, 2);
}

}  // namespace chasqui::sample
