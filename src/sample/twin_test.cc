// The chain against a deliberately naive twin: full sorts, doubles, std::exp, one function per
// definition. They must choose equal tokens wherever the twin's decision is not within rounding
// of a boundary.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "sample/sampler_chain.h"

namespace chasqui::sample {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
// exp_weight() errs by 3e-7 relative; sums and quotients of such errors stay within ten of them.
constexpr double kRounding = 3e-6;

struct Item {
  int32_t token;
  double logit;
};
using Items = std::vector<Item>;

class Twin {
 public:
  Twin(SamplingSpec spec, int vocab) : spec_(std::move(spec)), vocab_(vocab), rng_(*spec_.seed) {
    mu_ = 2 * static_cast<double>(spec_.mirostat_tau);
  }

  void prime(std::span<const int32_t> prompt) {
    history_.insert(history_.end(), prompt.begin(), prompt.end());
  }

  struct Choice {
    int32_t token;
    bool close;  // a boundary was within rounding: another choice is no mistake
  };

  Choice sample(const std::vector<float>& logits) {
    close_ = false;
    Items items = penalised(logits);
    const int32_t token = choose(items);
    history_.push_back(token);
    return {token, close_};
  }

  void follow(int32_t token) { history_.back() = token; }

 private:
  Items penalised(std::vector<float> logits) const {
    for (auto [token, bias] : spec_.logit_bias) logits[static_cast<size_t>(token)] += bias;
    std::map<int32_t, int> counts;
    size_t first = 0;
    if (spec_.penalty_last_n >= 0 && history_.size() > static_cast<size_t>(spec_.penalty_last_n)) {
      first = history_.size() - static_cast<size_t>(spec_.penalty_last_n);
    }
    for (size_t i = first; i < history_.size(); ++i) ++counts[history_[i]];
    for (auto [token, count] : counts) {
      float& x = logits[static_cast<size_t>(token)];
      x = x > 0 ? x / spec_.repeat_penalty : x * spec_.repeat_penalty;
      x -= static_cast<float>(count) * spec_.frequency_penalty + spec_.presence_penalty;
    }
    Items items;
    for (int i = 0; i < vocab_; ++i) {
      const double x = logits[static_cast<size_t>(i)];
      if (x > -kInf) items.push_back({i, x});
    }
    return items;
  }

  static void sort(Items& items) {
    std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
      return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
    });
  }

  static std::vector<double> softmax(const Items& items, double temperature = 1) {
    double best = -kInf, sum = 0;
    for (const Item& i : items) best = std::max(best, i.logit);
    std::vector<double> p;
    for (const Item& i : items) {
      p.push_back(std::exp((i.logit - best) / temperature));
      sum += p.back();
    }
    for (double& x : p) x /= sum;
    return p;
  }

  // Both values come from sums near 1 or from quotients of probabilities.
  void note(double value, double bound) {
    if (std::abs(value - bound) <= kRounding * std::max(1e-3, std::abs(bound))) close_ = true;
  }

  int32_t choose(Items& items) {
    if (spec_.temperature == 0) {
      sort(items);
      return items[0].token;
    }
    if (spec_.mirostat_mode) return mirostat(items);
    const bool cut = truncate(items);
    if (cut) sort(items);
    return draw(items, softmax(items, spec_.temperature));
  }

  // True when any truncation took part, which puts the candidates in order.
  bool truncate(Items& items) {
    bool cut = false;
    if (spec_.top_k > 0 && spec_.top_k < vocab_) {
      sort(items);
      if (items.size() > static_cast<size_t>(spec_.top_k)) items.resize(spec_.top_k);
      cut = true;
    }
    if (spec_.tfs_z < 1) cut |= tail_free(items);
    if (spec_.typical_p < 1) cut = true, typical(items);
    if (spec_.top_p < 1) cut |= top_p(items);
    if (spec_.min_p > 0) min_p(items);
    return cut;
  }

  bool tail_free(Items& items) {
    Items sorted = items;
    sort(sorted);
    const auto p = softmax(sorted);
    std::vector<double> curve;
    double sum = 0, used = 0;
    for (size_t i = 0; i + 2 < p.size(); ++i) {
      curve.push_back(std::abs(p[i] - 2 * p[i + 1] + p[i + 2]));
      sum += curve.back();
    }
    if (sum < 1e-9) {
      if (sum > 0) close_ = true;
      return false;
    }
    for (size_t i = 0; i < curve.size(); ++i) {
      used += curve[i] / sum;
      // Second differences cancel: the rounding of p is divided by the sum they leave.
      if (std::abs(used - spec_.tfs_z) < kRounding * (1 + p[0] / sum)) close_ = true;
      if (used > spec_.tfs_z && i >= 1) {
        sorted.resize(i);
        items = sorted;
        return true;
      }
    }
    return false;
  }

  void typical(Items& items) {
    const auto p = softmax(items);
    double entropy = 0;
    for (double x : p) entropy -= x > 0 ? x * std::log(x) : 0;
    std::vector<size_t> order(items.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto distance = [&](size_t i) { return std::abs(-std::log(p[i]) - entropy); };
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return distance(a) < distance(b); });
    Items kept;
    double sum = 0;
    for (size_t i = 0; i < order.size() && !(sum > spec_.typical_p); ++i) {
      kept.push_back(items[order[i]]);
      sum += p[order[i]];
      note(sum, spec_.typical_p);
      if (i + 1 < order.size() &&
          std::abs(distance(order[i]) - distance(order[i + 1])) < kRounding) {
        close_ = true;
      }
    }
    items = kept;
  }

  bool top_p(Items& items) {
    Items sorted = items;
    sort(sorted);
    const auto p = softmax(sorted);
    double sum = 0;
    size_t n = 0;
    while (n < p.size() && (n == 0 || sum < spec_.top_p)) {
      sum += p[n++];
      note(sum, spec_.top_p);
    }
    if (n >= static_cast<size_t>(vocab_)) return false;  // nothing to cut: the order stays by id
    sorted.resize(n);
    items = sorted;
    return true;
  }

  // Keeps the order that it finds.
  void min_p(Items& items) {
    const auto p = softmax(items);
    const double best = *std::max_element(p.begin(), p.end());
    Items kept;
    for (size_t i = 0; i < p.size(); ++i) {
      if (p[i] >= spec_.min_p * best) kept.push_back(items[i]);
      if (p[i] < best) note(p[i] / best, spec_.min_p);
    }
    items = kept;
  }

  int32_t mirostat(Items& items) {
    Items sorted = items;
    sort(sorted);
    const auto p = softmax(sorted, spec_.temperature);
    size_t n = 1;
    if (spec_.mirostat_mode == 2) {
      while (n < p.size() && -std::log2(p[n]) <= mu_) ++n;
      for (double x : p) note(x, std::exp2(-mu_));
    } else {
      const double k = zipf_rank(p);
      n = k >= 1 ? static_cast<size_t>(std::min(k, 1e9)) : 1;
      if (std::abs(k - std::round(k)) < 1e-4 * k) close_ = true;
    }
    const bool by_rank = spec_.mirostat_mode == 1 && n < static_cast<size_t>(vocab_);
    if (n < sorted.size()) sorted.resize(n);
    items = sorted;
    if (!by_rank) {
      std::sort(items.begin(), items.end(),
                [](const Item& a, const Item& b) { return a.token < b.token; });
    }
    const auto q = softmax(items, spec_.temperature);
    const int32_t token = draw(items, q);
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].token == token) {
        mu_ -= spec_.mirostat_eta * (-std::log2(q[i]) - spec_.mirostat_tau);
      }
    }
    return token;
  }

  double zipf_rank(const std::vector<double>& p) const {
    double tb = 0, tt = 0;
    for (size_t i = 0; i + 1 < std::min<size_t>(100, p.size()); ++i) {
      const double t = std::log((static_cast<double>(i) + 2) / (static_cast<double>(i) + 1));
      tb += t * (std::log(p[i]) - std::log(p[i + 1]));
      tt += t * t;
    }
    const double s = std::max(1e-3, tb / tt), e = s - 1;
    return std::pow(e * std::exp2(mu_) / (1 - std::pow(vocab_, -e)), 1 / s);
  }

  int32_t draw(const Items& items, const std::vector<double>& p) {
    const double u = rng_.uniform();
    double sum = 0;
    for (size_t i = 0; i < p.size(); ++i) {
      sum += p[i];
      note(sum, u);
      if (sum > u) return items[i].token;
    }
    return items.back().token;
  }

  SamplingSpec spec_;
  int vocab_;
  Rng rng_;
  std::vector<int32_t> history_;
  double mu_ = 0;
  bool close_ = false;
};

std::vector<float> random_logits(Rng& rng, int vocab, double spread) {
  std::vector<float> logits(static_cast<size_t>(vocab));
  for (float& x : logits) {
    x = static_cast<float>(rng.normal() * spread);
    if (rng.below(50) == 0) x = -std::numeric_limits<float>::infinity();
  }
  return logits;
}

template <typename T>
T pick(Rng& rng, std::initializer_list<T> values) {
  return values.begin()[rng.below(values.size())];
}

SamplingSpec random_spec(Rng& rng, int vocab) {
  SamplingSpec spec;
  spec.temperature = pick(rng, {0.0f, 0.3f, 0.8f, 1.0f, 1.7f});
  spec.top_k = pick(rng, {0, 0, 1, 5, 40, 10000});
  spec.top_p = pick(rng, {1.0f, 0.0f, 0.5f, 0.95f});
  spec.min_p = pick(rng, {0.0f, 0.0f, 0.05f, 0.4f, 1.0f});
  spec.typical_p = pick(rng, {1.0f, 1.0f, 0.2f, 0.9f});
  spec.tfs_z = pick(rng, {1.0f, 1.0f, 0.5f, 0.97f});
  spec.repeat_penalty = pick(rng, {1.0f, 1.1f, 1.5f, 0.7f});
  spec.frequency_penalty = pick(rng, {0.0f, 0.5f, -0.5f});
  spec.presence_penalty = pick(rng, {0.0f, 1.0f});
  spec.penalty_last_n = pick(rng, {0, 3, 64, -1});
  spec.mirostat_mode = pick(rng, {0, 0, 0, 1, 2});
  spec.mirostat_tau = pick(rng, {1.0f, 5.0f});
  spec.seed = rng.next();
  for (uint64_t i = rng.below(4); i > 0; --i) {
    spec.logit_bias.emplace_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab))),
                                 pick(rng, {-100.0f, 3.0f, -1.5f}));
  }
  return spec;
}

std::string describe(const SamplingSpec& s) {
  return fmt::format("t {} k {} p {} min {} typ {} tfs {} rep {} freq {} pres {} n {} miro {} {}",
                     s.temperature, s.top_k, s.top_p, s.min_p, s.typical_p, s.tfs_z,
                     s.repeat_penalty, s.frequency_penalty, s.presence_penalty, s.penalty_last_n,
                     s.mirostat_mode, s.mirostat_tau);
}

TEST(SamplerTwin, ChainAndTwinChooseEqualTokens) {
  Rng rng(20240229);
  int choices = 0, close = 0;
  for (int round = 0; round < 1500; ++round) {
    const int vocab = pick(rng, {5, 70, 333, 1500});
    const SamplingSpec spec = random_spec(rng, vocab);
    SamplerChain chain(spec, vocab, -1);
    Twin twin(spec, vocab);
    std::vector<int32_t> prompt;
    for (uint64_t i = rng.below(100); i > 0; --i) {
      prompt.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab))));
    }
    chain.prime(prompt);
    twin.prime(prompt);
    for (int step = 0; step < 6; ++step) {
      std::vector<float> logits = random_logits(rng, vocab, pick(rng, {0.5, 3.0, 8.0}));
      const auto want = twin.sample(logits);
      const int32_t got = chain.sample(logits, -1).token;
      ++choices;
      if (want.close) {
        ++close;
        break;  // histories may part from here
      }
      ASSERT_EQ(got, want.token) << "round " << round << " step " << step << ": " << describe(spec);
    }
  }
  // The exception must stay one.
  EXPECT_LT(close, choices / 20) << choices;
}

}  // namespace
}  // namespace chasqui::sample
