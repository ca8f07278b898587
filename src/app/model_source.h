// Where a model's file comes from: a path, or a repository of the hub.
#pragma once

#include <string>

#include "app/settings.h"
#include "base/result.h"
#include "gguf/file.h"
#include "hub/pull.h"

namespace chasqui::app {

// The path of the file that the settings mean: `model`, or with hf_model_repo_id the file of that
// repository that `model` names (a file, a pattern or a quantisation; none: the usual one), which
// is downloaded where the cache does not have it. Errors name the setting.
Result<std::string> find_model(const Settings& settings);

// hub::pull() as the environment sets it up, with a progress bar and notes in the log. SIGINT and
// SIGTERM end it where the caller has blocked them.
Result<hub::PulledModel> pull_model(const hub::ModelReference& reference);

// Opens a model file with the settings use_mmap and kv_overrides applied: the one place where they
// are, so that model, tokenizer, template and cache see the same metadata. Errors name the file.
Result<gguf::File> open_model(const std::string& path, const Settings& settings);

}  // namespace chasqui::app
