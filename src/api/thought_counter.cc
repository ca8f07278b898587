#include "api/internal/thought_counter.h"

#include <algorithm>

namespace chasqui::api {

void ThoughtCounter::push(std::span<const engine::TokenOutput> tokens) {
  using Kind = chat::OutputEvent::Kind;
  for (const engine::TokenOutput& token : tokens) {
    chat::OutputEvents events;
    parser_.push(token.text, events);
    if (events.empty()) {
      ++undecided_;
      continue;
    }
    const bool was_thinking = thinking_;
    thinking_ = events.back().kind == Kind::kReasoning;
    const bool has_thoughts = std::ranges::any_of(
        events, [](const chat::OutputEvent& event) { return event.kind == Kind::kReasoning; });
    // What was held back before is the end of the old thoughts or the beginning of new ones.
    if (was_thinking || has_thoughts) count_ += undecided_;
    if (has_thoughts) ++count_;
    undecided_ = 0;
  }
}

}  // namespace chasqui::api
