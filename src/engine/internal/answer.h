// The text side of one answer: tokens in; shown text, and the tokens behind it, out.
//
// Tokens become whole characters (Detokenizer), characters that may belong to a stop string wait
// (StopMatcher), and a token waits until all its text is shown. The sum of the texts of the tokens
// given out is always the sum of the texts given out. One object makes the events of streams and
// of whole answers, so the two cannot differ.
//
// Not thread-safe. The tokenizer outlives it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "engine/internal/stop_matcher.h"
#include "engine/request.h"
#include "sample/sampler_chain.h"
#include "text/detokenizer.h"

namespace chasqui::engine {

class Answer {
 public:
  // `at_start`, `show_special`: as for Detokenizer. `keep_tokens`: give out TokenOutputs too.
  Answer(const text::Tokenizer& tokenizer, std::shared_ptr<const StopSet> stops, bool at_start,
         bool keep_tokens, bool show_special = false);

  // The next token. `look_for_stops`: false for text that min_tokens shields; never false after
  // it was true.
  void push(sample::Sampled sampled, bool look_for_stops);

  // No further token comes: what was held back is decided. May find a stop.
  void finish();

  bool stopped() const { return matcher_.stopped(); }
  const std::string& stop_text() const { return matcher_.stop_text(); }  // REQUIRES: stopped()

  // Moves what can be shown now to the end of `event`; true when there was something.
  bool take(Event& event);

 private:
  struct Pending {
    TokenOutput output;
    int64_t begin = 0;  // where its text begins in the whole, bytes
    int64_t end() const { return begin + static_cast<int64_t>(output.text.size()); }
  };
  void add_text(std::string_view piece, bool look_for_stops);
  void take_tokens(Event& event);

  text::Detokenizer detokenizer_;
  StopMatcher matcher_;
  bool keep_tokens_;
  bool looked_for_stops_ = false;
  bool finished_ = false;
  std::string shown_;           // not yet taken
  int64_t shown_end_ = 0;       // bytes shown since the beginning, taken ones included
  int64_t text_end_ = 0;        // bytes that tokens stand for since the beginning
  std::deque<Pending> tokens_;  // not yet taken
};

}  // namespace chasqui::engine
