#include "api/internal/tools.h"

namespace chasqui::api {
namespace {

class FirstCallFilter final : public sample::TokenFilter {
 public:
  FirstCallFilter(std::shared_ptr<sample::TokenFilter> inner, chat::OutputStyle style,
                  std::shared_ptr<const text::Tokenizer> tokenizer)
      : inner_(std::move(inner)), tokenizer_(std::move(tokenizer)), parser_(std::move(style)) {}

  void apply(std::span<float> logits) override {
    if (inner_) inner_->apply(logits);
  }
  void accept(int32_t token) override {
    if (inner_) inner_->accept(token);
    chat::OutputEvents unused;
    parser_.push(tokenizer_->piece(token, true), unused);
  }
  int32_t forced() override { return inner_ ? inner_->forced() : -1; }
  // It goes on behind the first call: who guesses is told there what was wrong.
  std::shared_ptr<sample::TokenFilter> fork() override { return inner_ ? inner_->fork() : nullptr; }
  bool is_prepared() override { return !inner_ || inner_->is_prepared(); }
  void prepare() override {
    if (inner_) inner_->prepare();
  }
  bool finished() override { return parser_.calls_ended() > 0 || (inner_ && inner_->finished()); }

 private:
  const std::shared_ptr<sample::TokenFilter> inner_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  chat::OutputParser parser_;
};

}  // namespace

std::shared_ptr<sample::TokenFilter> make_first_call_filter(
    std::shared_ptr<sample::TokenFilter> inner, chat::OutputStyle style,
    std::shared_ptr<const text::Tokenizer> tokenizer) {
  return std::make_shared<FirstCallFilter>(std::move(inner), std::move(style),
                                           std::move(tokenizer));
}

}  // namespace chasqui::api
