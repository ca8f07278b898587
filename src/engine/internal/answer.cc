#include "engine/internal/answer.h"

#include <utility>

namespace chasqui::engine {

Answer::Answer(const text::Tokenizer& tokenizer, std::shared_ptr<const StopSet> stops,
               bool at_start, bool keep_tokens, bool show_special)
    : detokenizer_(tokenizer, at_start, show_special),
      matcher_(std::move(stops)),
      keep_tokens_(keep_tokens) {}

void Answer::push(sample::Sampled sampled, bool look_for_stops) {
  const std::string piece = detokenizer_.push(sampled.token);
  if (keep_tokens_) {
    tokens_.push_back({{sampled.token, piece, sampled.logprob, std::move(sampled.top)}, text_end_});
  }
  add_text(piece, look_for_stops);
}

void Answer::finish() {
  const std::string rest = detokenizer_.finish();
  // Tokens wait while the detokenizer holds bytes, so the last one is still here.
  if (keep_tokens_ && !rest.empty() && !tokens_.empty()) tokens_.back().output.text += rest;
  add_text(rest, looked_for_stops_);
  const size_t before = shown_.size();
  if (looked_for_stops_) matcher_.finish(shown_);
  shown_end_ += static_cast<int64_t>(shown_.size() - before);
  finished_ = true;
}

void Answer::add_text(std::string_view piece, bool look_for_stops) {
  looked_for_stops_ |= look_for_stops;
  text_end_ += static_cast<int64_t>(piece.size());
  const size_t before = shown_.size();
  if (look_for_stops) {
    matcher_.push(piece, shown_);
  } else {
    shown_ += piece;
  }
  shown_end_ += static_cast<int64_t>(shown_.size() - before);
}

bool Answer::take(Event& event) {
  // A character that several tokens share is shown with all of them.
  if (keep_tokens_ && detokenizer_.held_bytes() > 0 && !stopped()) return false;
  const size_t tokens_before = event.tokens.size();
  if (keep_tokens_) take_tokens(event);
  const bool something = !shown_.empty() || event.tokens.size() > tokens_before;
  event.text += shown_;
  shown_.clear();
  return something;
}

void Answer::take_tokens(Event& event) {
  const bool all_shown = shown_end_ == text_end_;
  while (!tokens_.empty()) {
    Pending& token = tokens_.front();
    // Without text it belongs to what comes next: the rest of its character, held back or not.
    const bool undecided = token.output.text.empty() && token.begin == shown_end_ && !all_shown;
    if (token.end() > shown_end_ || (undecided && !finished_)) break;
    if (stopped() && token.begin >= shown_end_) break;
    event.tokens.push_back(std::move(token.output));
    tokens_.pop_front();
  }
  if (!stopped()) return;
  // The token in which the stop begins keeps the text before it; the stop's own tokens go.
  if (!tokens_.empty() && tokens_.front().begin < shown_end_) {
    TokenOutput& cut = tokens_.front().output;
    cut.text.resize(static_cast<size_t>(shown_end_ - tokens_.front().begin));
    event.tokens.push_back(std::move(cut));
  }
  tokens_.clear();
}

}  // namespace chasqui::engine
