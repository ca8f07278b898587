#include "engine/internal/prompt_report.h"

#include <iterator>
#include <limits>
#include <utility>

#include "sample/sampler_chain.h"

namespace chasqui::engine {

void PromptReport::add_row(std::span<const int32_t> prompt, int64_t position,
                           std::span<const float> logits) {
  if (position == 0) {
    add(prompt, 0, {prompt[0], "", std::numeric_limits<float>::quiet_NaN(), {}, true});
  }
  const auto next = static_cast<size_t>(position + 1);
  if (next >= prompt.size()) return;
  sample::Sampled found = sample::log_probabilities(logits, prompt[next], top_);
  add(prompt, next, {prompt[next], "", found.logprob, std::move(found.top), true});
}

void PromptReport::add(std::span<const int32_t> prompt, size_t index, TokenOutput output) {
  output.text = detokenizer_.push(output.token);
  // A prompt that ends inside a character: the answer begins a text of its own.
  if (index + 1 == prompt.size()) output.text += detokenizer_.finish();
  outputs_.push_back(std::move(output));
}

bool PromptReport::take(Event& event) {
  if (outputs_.empty()) return false;
  event.tokens.insert(event.tokens.end(), std::make_move_iterator(outputs_.begin()),
                      std::make_move_iterator(outputs_.end()));
  outputs_.clear();
  return true;
}

}  // namespace chasqui::engine
