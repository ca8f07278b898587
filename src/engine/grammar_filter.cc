#include "engine/grammar_filter.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <mutex>

namespace chasqui::engine {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

class GrammarFilter : public sample::TokenFilter {
 public:
  explicit GrammarFilter(grammar::GrammarPtr grammar) : grammar_(grammar), matcher_(grammar) {}
  GrammarFilter(grammar::GrammarPtr grammar, grammar::Matcher matcher, bool is_lost)
      : grammar_(std::move(grammar)), matcher_(std::move(matcher)), is_lost_(is_lost) {}

  void apply(std::span<float> logits) override {
    const std::lock_guard lock(mutex_);
    compute();
    const std::vector<uint64_t>& words = mask_.words();
    const size_t known = std::min(logits.size(), static_cast<size_t>(mask_.size()));
    for (size_t first = 0; first < known; first += 64) {
      const size_t count = std::min<size_t>(64, known - first);
      forbid(words[first / 64], logits.subspan(first, count));
    }
    std::ranges::fill(logits.subspan(known), kForbidden);
  }

  int32_t forced() override {
    const std::lock_guard lock(mutex_);
    compute();
    return mask_.only();
  }

  void accept(int32_t token) override {
    const std::lock_guard lock(mutex_);
    is_lost_ = !matcher_.accept(token) || is_lost_;
    is_computed_ = false;
  }

  bool finished() override {
    const std::lock_guard lock(mutex_);
    return is_lost_ || matcher_.is_finished();
  }

  std::shared_ptr<sample::TokenFilter> fork() override {
    const std::lock_guard lock(mutex_);
    return std::make_shared<GrammarFilter>(grammar_, matcher_, is_lost_);
  }

  bool is_prepared() override {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return false;
    return is_computed_ || matcher_.mask_is_known();
  }

  void prepare() override {
    const std::lock_guard lock(mutex_);
    compute();
  }

 private:
  // The mask of the place where the matcher is. REQUIRES: mutex_ is held.
  void compute() {
    if (is_computed_) return;
    matcher_.mask(mask_);
    const auto is_zero = [](uint64_t word) { return word == 0; };
    if (std::ranges::all_of(mask_.words(), is_zero)) mask_ = grammar_->tokens().ends();
    is_computed_ = true;
  }

  // What `open` does not have. Most words are all open or all forbidden.
  static void forbid(uint64_t open, std::span<float> logits) {
    if (open == 0) {
      std::ranges::fill(logits, kForbidden);
      return;
    }
    for (uint64_t closed = ~open; closed != 0; closed &= closed - 1) {
      const auto at = static_cast<size_t>(std::countr_zero(closed));
      if (at >= logits.size()) return;
      logits[at] = kForbidden;
    }
  }

  const grammar::GrammarPtr grammar_;
  std::mutex mutex_;  // prepare() may run on another thread
  // Guarded by mutex_.
  grammar::Matcher matcher_;
  grammar::TokenMask mask_;
  bool is_computed_ = false;  // mask_ is that of the matcher's place
  bool is_lost_ = false;      // a token came that no mask had: the vocabulary has no end to choose
};

}  // namespace

std::shared_ptr<sample::TokenFilter> make_grammar_filter(grammar::GrammarPtr grammar) {
  return std::make_shared<GrammarFilter>(std::move(grammar));
}

}  // namespace chasqui::engine
