#include "engine/lead_filter.h"

namespace chasqui::engine {
namespace {

class LeadFilter : public sample::TokenFilter {
 public:
  LeadFilter(std::shared_ptr<sample::TokenFilter> lead, std::string mark,
             std::shared_ptr<sample::TokenFilter> rest,
             std::shared_ptr<const text::Tokenizer> tokenizer)
      : lead_(std::move(lead)),
        mark_(std::move(mark)),
        rest_(std::move(rest)),
        tokenizer_(std::move(tokenizer)) {}

  void apply(std::span<float> logits) override {
    if (TokenFilter* const now = current()) now->apply(logits);
  }

  void accept(int32_t token) override {
    if (TokenFilter* const now = current()) now->accept(token);
    // Text that has grown beyond the mark is another way.
    if (is_behind_ || said_.size() >= mark_.size()) return;
    said_ += tokenizer_->piece(token, true);
    is_behind_ = said_ == mark_;
  }

  int32_t forced() override {
    TokenFilter* const now = current();
    return now == nullptr ? -1 : now->forced();
  }
  bool finished() override {
    TokenFilter* const now = current();
    return now != nullptr && now->finished();
  }

  std::shared_ptr<sample::TokenFilter> fork() override {
    if (is_behind_) return rest_ ? rest_->fork() : nullptr;
    auto lead = lead_->fork();
    auto rest = rest_ ? rest_->fork() : nullptr;
    if (!lead || (rest_ && !rest)) return nullptr;
    auto forked = std::make_shared<LeadFilter>(std::move(lead), mark_, std::move(rest), tokenizer_);
    forked->said_ = said_;
    return forked;
  }

  bool is_prepared() override {
    TokenFilter* const now = current();
    return now == nullptr || now->is_prepared();
  }
  // On another thread, which may not look at where the answer is. What is known already is cheap.
  void prepare() override {
    lead_->prepare();
    if (rest_) rest_->prepare();
  }

 private:
  TokenFilter* current() const { return is_behind_ ? rest_.get() : lead_.get(); }

  const std::shared_ptr<sample::TokenFilter> lead_;
  const std::string mark_;
  const std::shared_ptr<sample::TokenFilter> rest_;  // may be null
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::string said_;  // up to the length of the mark, and the token that went beyond
  bool is_behind_ = false;
};

}  // namespace

std::shared_ptr<sample::TokenFilter> make_lead_filter(
    std::shared_ptr<sample::TokenFilter> lead, std::string mark,
    std::shared_ptr<sample::TokenFilter> rest, std::shared_ptr<const text::Tokenizer> tokenizer) {
  return std::make_shared<LeadFilter>(std::move(lead), std::move(mark), std::move(rest),
                                      std::move(tokenizer));
}

}  // namespace chasqui::engine
