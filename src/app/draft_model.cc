#include "app/draft_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace chasqui::app {
namespace {

// Rows of logits that one forward pass of a draft model gives: a token for each job that is guessed
// for, and those are fewer than the rows of a small step.
constexpr int64_t kLogitRows = 8;

Error about_draft(Error error) {
  error.param = "draft_model";
  return error;
}

// Settings of rotary embedding and overrides are said about the model that answers.
Settings settings_of_draft(const Settings& settings) {
  const Settings defaults = default_settings();
  Settings own = settings;
  own.rope_scaling_type = defaults.rope_scaling_type;
  own.rope_freq_base = defaults.rope_freq_base;
  own.rope_freq_scale = defaults.rope_freq_scale;
  own.yarn_ext_factor = defaults.yarn_ext_factor;
  own.yarn_attn_factor = defaults.yarn_attn_factor;
  own.yarn_beta_fast = defaults.yarn_beta_fast;
  own.yarn_beta_slow = defaults.yarn_beta_slow;
  own.yarn_orig_ctx = defaults.yarn_orig_ctx;
  own.kv_overrides.clear();
  return own;
}

}  // namespace

bool has_draft_file(const Settings& settings) {
  return !settings.draft_model.empty() && settings.draft_model != kPromptLookup;
}

Status check_same_vocabulary(const text::Vocab& target, const text::Vocab& draft) {
  const int32_t common = std::min(target.size(), draft.size());
  const auto differs = [](std::string what) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the draft model has another vocabulary than the model, so it cannot "
                            "guess for it: {}",
                            what),
                "draft_model");
  };
  for (int32_t id = 0; id < common; ++id) {
    if (target.text(id) == draft.text(id)) continue;
    return differs(fmt::format("token {} is \"{}\" in the draft model and \"{}\" in the model", id,
                               draft.text(id), target.text(id)));
  }
  const bool draft_has_more = draft.size() > target.size();
  const text::Vocab& longer = draft_has_more ? draft : target;
  for (int32_t id = common; id < longer.size(); ++id) {
    if (longer.kind(id) == text::TokenKind::kUnused) continue;
    return differs(fmt::format(
        "it has {} tokens, the model {}, and token {}, \"{}\", is only in {}", draft.size(),
        target.size(), id, longer.text(id), draft_has_more ? "the draft model" : "the model"));
  }
  return {};
}

Result<LoadedModel> load_draft_model(const Settings& settings, const text::Vocab& target,
                                     int64_t n_ctx) {
  const std::string& path = settings.draft_model;
  if (!std::filesystem::exists(path)) {
    return fail(
        ErrorCode::kNotFound,
        fmt::format("there is no file \"{}\": draft_model is the path of a GGUF file, or {}", path,
                    kPromptLookup),
        "draft_model");
  }
  auto loaded = load_model({.path = path,
                            .max_rows = std::max(settings.prefill_chunk, kLogitRows),
                            .max_logit_rows = kLogitRows},
                           settings_of_draft(settings));
  if (!loaded) return fail(about_draft(loaded.error()));
  if (loaded->model->spec().state_group >= 0) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} has recurrent layers, whose states cannot take a wrong guess back; "
                            "choose a draft model that has attention only",
                            path),
                "draft_model");
  }
  CHASQUI_TRY_STATUS(check_same_vocabulary(target, loaded->tokenizer->vocab()));
  if (!loaded->model->spec().causal) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the draft model {} is an encoder ({}), which cannot generate", path,
                            loaded->model->spec().architecture),
                "draft_model");
  }
  const int64_t positions = loaded->model->spec().max_positions;
  if (positions > 0 && n_ctx > positions) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the draft model {} has embeddings for {} positions, but the context is "
                    "{} tokens: lower n_ctx, or take another draft model",
                    path, positions, n_ctx),
        "draft_model");
  }
  return loaded;
}

}  // namespace chasqui::app
