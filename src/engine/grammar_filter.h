// A grammar as sampling sees it.
#pragma once

#include <memory>

#include "grammar/matcher.h"
#include "sample/token_filter.h"

namespace chasqui::engine {

// One for each sequence. Masks that the grammar does not remember are computed by prepare(), or by
// who needs them first. Logits beyond the tokenizer's vocabulary (padding of the model's output)
// are forbidden. Should the grammar run out of its memory, only the end is left open, so that the
// answer is cut rather than wrong.
std::shared_ptr<sample::TokenFilter> make_grammar_filter(grammar::GrammarPtr grammar);

}  // namespace chasqui::engine
