// The small model that guesses tokens ahead for another one (setting draft_model).
#pragma once

#include <cstdint>
#include <string_view>

#include "app/loaded_model.h"
#include "app/settings.h"
#include "base/result.h"
#include "text/vocab.h"

namespace chasqui::app {

// A draft_model that is no file: guesses come from the text itself.
inline constexpr std::string_view kPromptLookup = "prompt-lookup-decoding";

// Whether the settings name a draft model, which is then a file.
bool has_draft_file(const Settings& settings);

// Loads it for an engine whose steps read `prefill_chunk` tokens of a prompt, up to a context of
// `n_ctx`. All errors have `param` draft_model. kInvalidArgument when its vocabulary is not that of
// `target`, or when it has too few positions.
Result<LoadedModel> load_draft_model(const Settings& settings, const text::Vocab& target,
                                     int64_t n_ctx);

// kInvalidArgument naming the first token that differs. Only texts count: ids are all that passes
// between the models. At the end one may have more tokens, if they are marked as unused.
Status check_same_vocabulary(const text::Vocab& target, const text::Vocab& draft);

}  // namespace chasqui::app
