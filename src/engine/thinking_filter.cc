#include "engine/thinking_filter.h"

#include <algorithm>

namespace chasqui::engine {
namespace {

class ThinkingFilter : public sample::TokenFilter {
 public:
  ThinkingFilter(std::shared_ptr<sample::TokenFilter> inner, ThinkingMarks marks,
                 std::shared_ptr<const text::Tokenizer> tokenizer)
      : inner_(std::move(inner)), marks_(std::move(marks)), tokenizer_(std::move(tokenizer)) {
    if (marks_.is_open) place_ = Place::kThinking;
    if (marks_.open.empty()) return;
    const auto ids = tokenizer_->encode(marks_.open, {.add_special = false, .parse_special = true});
    if (ids.size() == 1) opener_ = ids[0];
  }

  void apply(std::span<float> logits) override {
    if (place_ == Place::kThinking) return;
    const bool may_open =
        place_ == Place::kStart && opener_ >= 0 && static_cast<size_t>(opener_) < logits.size();
    const float opener = may_open ? logits[static_cast<size_t>(opener_)] : 0.0f;
    inner_->apply(logits);
    if (may_open) logits[static_cast<size_t>(opener_)] = opener;
  }

  void accept(int32_t token) override {
    if (place_ == Place::kThinking) return think(token);
    const bool opens = place_ == Place::kStart && token == opener_;
    place_ = opens ? Place::kThinking : Place::kBehind;
    if (!opens) inner_->accept(token);
  }

  int32_t forced() override {
    const bool is_free = place_ == Place::kThinking || (place_ == Place::kStart && opener_ >= 0);
    return is_free ? -1 : inner_->forced();
  }
  std::shared_ptr<sample::TokenFilter> fork() override {
    std::shared_ptr<sample::TokenFilter> inner = inner_->fork();
    if (!inner) return nullptr;
    auto forked = std::make_shared<ThinkingFilter>(std::move(inner), marks_, tokenizer_);
    forked->place_ = place_;
    forked->recent_ = recent_;
    return forked;
  }
  bool is_prepared() override { return inner_->is_prepared(); }
  void prepare() override { inner_->prepare(); }

  bool finished() override { return place_ == Place::kBehind && inner_->finished(); }

 private:
  enum class Place { kStart, kThinking, kBehind };

  void think(int32_t token) {
    recent_ += tokenizer_->piece(token, true);
    if (recent_.find(marks_.close) != std::string::npos) {
      place_ = Place::kBehind;
      return;
    }
    // Only the beginning of a mark matters later.
    if (recent_.size() >= marks_.close.size()) {
      recent_.erase(0, recent_.size() - (marks_.close.size() - 1));
    }
  }

  const std::shared_ptr<sample::TokenFilter> inner_;
  const ThinkingMarks marks_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  int32_t opener_ = -1;
  Place place_ = Place::kStart;
  std::string recent_;  // the end of the thoughts, shorter than the mark that ends them
};

}  // namespace

std::shared_ptr<sample::TokenFilter> make_thinking_filter(
    std::shared_ptr<sample::TokenFilter> inner, ThinkingMarks marks,
    std::shared_ptr<const text::Tokenizer> tokenizer) {
  return std::make_shared<ThinkingFilter>(std::move(inner), std::move(marks), std::move(tokenizer));
}

}  // namespace chasqui::engine
