// The hook by which a grammar takes part in sampling: it forbids tokens before each choice and
// learns which one was chosen. One object per sequence; engine thread only.
#pragma once

#include <cstdint>
#include <span>

namespace chasqui::sample {

class TokenFilter {
 public:
  virtual ~TokenFilter() = default;
  // Sets the logit of every token that may not come next to -infinity. `logits`: [vocabulary].
  virtual void apply(std::span<float> logits) = 0;
  // `token` was chosen. Only tokens that apply() left open are passed.
  virtual void accept(int32_t token) = 0;
  // Nothing may come any more, not even the end: the sequence is over.
  virtual bool finished() { return false; }
};

}  // namespace chasqui::sample
