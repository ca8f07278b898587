#include "chat/internal/call_reader.h"

namespace chasqui::chat {

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

TailMatcher::Step TailMatcher::push(char c) {
  if (read_.empty() && is_blank(c)) return Step::kMore;
  read_ += c;
  bool may_match = false;
  for (const Tail& tail : tails_) {
    if (tail.text == read_) {
      read_.clear();
      if (tail.then == Tail::Then::kSkip) return Step::kSkip;
      return tail.then == Tail::Then::kNext ? Step::kNext : Step::kDone;
    }
    may_match = may_match || tail.text.starts_with(read_);
  }
  return may_match ? Step::kMore : Step::kNot;
}

namespace {

class EitherReader final : public CallReader {
 public:
  EitherReader(std::unique_ptr<CallReader> json, std::unique_ptr<CallReader> other)
      : json_(std::move(json)), other_(std::move(other)) {}

  Verdict push(char c, CallSink& sink) override {
    if (chosen_ != nullptr) return chosen_->push(c, sink);
    if (is_blank(c)) return Verdict::kMore;
    if (c == '[' && !in_list_) {
      in_list_ = true;
      return Verdict::kMore;
    }
    chosen_ = c == '{' ? json_.get() : other_.get();
    if (in_list_ && chosen_->push('[', sink) != Verdict::kMore) return Verdict::kNot;
    return chosen_->push(c, sink);
  }
  bool may_end() const override { return chosen_ != nullptr && chosen_->may_end(); }

 private:
  const std::unique_ptr<CallReader> json_, other_;
  CallReader* chosen_ = nullptr;
  bool in_list_ = false;  // a [ came first
};

}  // namespace

std::unique_ptr<CallReader> make_either_reader(std::unique_ptr<CallReader> json,
                                               std::unique_ptr<CallReader> other) {
  return std::make_unique<EitherReader>(std::move(json), std::move(other));
}

}  // namespace chasqui::chat
