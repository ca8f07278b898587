// Filling in the middle: prompts of models that were trained to write what stands between a prefix
// and a suffix (M. Bavarian et al., "Efficient Training of Language Models to Fill in the Middle",
// 2022; the order prefix, suffix, middle).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/internal/requests.h"
#include "api/service.h"

namespace chasqui::api {

// Whether the vocabulary has the three tokens that it takes.
bool can_infill(const text::Vocab& vocab);

// The prompt that asks for what belongs between the two. Control tokens spelled in `prompt` count,
// as in every completion; `suffix` is plain text. REQUIRES: can_infill(), ids checked.
std::vector<int32_t> infill_prompt(const ModelContext& context, const Input& prompt,
                                   const std::string& suffix);

}  // namespace chasqui::api
