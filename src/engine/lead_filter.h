// A constraint for how an answer begins, and another one for what comes then.
#pragma once

#include <memory>
#include <string>

#include "sample/token_filter.h"
#include "text/tokenizer.h"

namespace chasqui::engine {

// Up to the token that completes `mark` as the whole text so far, `lead` (not null) holds; behind
// it `rest` does, or all is free where that is null. An answer that `lead` takes another way never
// comes to `rest`. REQUIRES: nothing longer than `mark` that begins with it fits `lead`, so that no
// token holds more than its end. One for each sequence.
std::shared_ptr<sample::TokenFilter> make_lead_filter(
    std::shared_ptr<sample::TokenFilter> lead, std::string mark,
    std::shared_ptr<sample::TokenFilter> rest, std::shared_ptr<const text::Tokenizer> tokenizer);

}  // namespace chasqui::engine
