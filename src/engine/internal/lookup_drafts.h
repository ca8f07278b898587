// Speculative decoding by prompt lookup: what followed the last few tokens when they stood in the
// text before is a guess at what follows now. Good on answers that repeat their prompt (edits,
// summaries, code), and free of a second model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/internal/draft_source.h"

namespace chasqui::engine {

// Replaces `draft` by at most `most` tokens that may follow `tokens`; by none when their end did
// not occur before. Looks back on a bounded number of tokens.
void look_up_draft(std::span<const int32_t> tokens, int64_t most, std::vector<int32_t>& draft);

class LookupDrafts final : public DraftSource {
 public:
  void propose(std::span<const DraftAsk> asks, int64_t room) override;
};

}  // namespace chasqui::engine
