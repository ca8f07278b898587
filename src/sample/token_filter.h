// The hook by which a grammar takes part in sampling: it forbids tokens before each choice and
// learns which one was chosen. One object per sequence; engine thread only, but for prepare().
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace chasqui::sample {

class TokenFilter {
 public:
  virtual ~TokenFilter() = default;
  // Sets the logit of every token that may not come next to -infinity. `logits`: [vocabulary].
  virtual void apply(std::span<float> logits) = 0;
  // `token` was chosen. Only tokens that apply() left open, or the forced one, are passed.
  virtual void accept(int32_t token) = 0;
  // Nothing may come any more, not even the end: the sequence is over.
  virtual bool finished() { return false; }

  // The only token that may come next; -1 when there are several or it is not known. What is
  // forced is not sampled: neither apply() nor any sampler runs for it.
  virtual int32_t forced() { return -1; }

  // A filter of its own at the same place, to try what may come; null where that is not possible.
  // Any thread may use it, one at a time.
  virtual std::shared_ptr<TokenFilter> fork() { return nullptr; }

  // Work for the next apply() that may be done meanwhile. prepare() does it, on any thread and
  // beside any other call, which waits for it; is_prepared() never waits, and
  // says that there is none.
  virtual bool is_prepared() { return true; }
  virtual void prepare() {}
};

}  // namespace chasqui::sample
