// Log-probabilities of a prompt's own tokens, made while the prompt is computed.
// Not thread-safe. The tokenizer outlives it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/request.h"
#include "text/detokenizer.h"

namespace chasqui::engine {

class PromptReport {
 public:
  // `top`: how many of the best tokens to report beside each prompt token.
  PromptReport(const text::Tokenizer& tokenizer, int top)
      : detokenizer_(tokenizer, true), top_(top) {}

  // The logits of the row at `position` speak about the token after it. Rows come in order, each
  // once; `prompt` is the whole prompt. The first token has no log-probability and is reported
  // with the first row.
  void add_row(std::span<const int32_t> prompt, int64_t position, std::span<const float> logits);

  // Moves what was made since the last call to the end of `event`; true when there was something.
  bool take(Event& event);

 private:
  void add(std::span<const int32_t> prompt, size_t index, TokenOutput output);

  text::Detokenizer detokenizer_;
  int top_;
  std::vector<TokenOutput> outputs_;
};

}  // namespace chasqui::engine
