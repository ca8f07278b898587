// A constraint that waits until the model has thought.
#pragma once

#include <memory>
#include <string>

#include "sample/token_filter.h"
#include "text/tokenizer.h"

namespace chasqui::engine {

struct ThinkingMarks {
  std::string open;
  std::string close;     // not empty
  bool is_open = false;  // the prompt has opened the thoughts
};

// Everything is allowed up to the token that completes `close`; `inner` (not null) sees what comes
// behind it. Thoughts that the prompt has not opened may be opened by the first token, where one
// token spells `open`; any other token begins the constrained text. One for each sequence.
std::shared_ptr<sample::TokenFilter> make_thinking_filter(
    std::shared_ptr<sample::TokenFilter> inner, ThinkingMarks marks,
    std::shared_ptr<const text::Tokenizer> tokenizer);

}  // namespace chasqui::engine
