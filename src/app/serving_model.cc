#include "app/serving_model.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>

#include "app/cache_tier.h"
#include "app/chat_choice.h"
#include "app/draft_model.h"
#include "app/memory_plan.h"
#include "app/model_runner.h"
#include "app/pooling_choice.h"
#include "app/vocabulary_model.h"
#include "chat/json_value.h"

namespace chasqui::app {
namespace {

// Logit rows of a step even where few requests run: prompts whose log-probabilities are asked for
// (echo) take that many tokens a step.
constexpr int64_t kMinLogitRows = 64;

// A guess costs about as much of a step as the draft model has of the model's bytes. With a third,
// and a usual share of right guesses, nothing is left.
constexpr uint64_t kWorthwhileShare = 3;

// The context of a request: the setting, or what the model was trained for.
int64_t context_of(const Settings& settings, const model::ModelSpec& spec) {
  if (settings.n_ctx == 0) return spec.context_length;
  if (spec.max_positions > 0 && settings.n_ctx > spec.max_positions) return spec.max_positions;
  // Nobody chose the default, so a model that was made for less gets less.
  if (settings.n_ctx == default_settings().n_ctx) {
    return std::min(settings.n_ctx, spec.context_length);
  }
  return settings.n_ctx;
}

void warn_of_context(const Settings& settings, const model::ModelSpec& spec) {
  if (settings.n_ctx == default_settings().n_ctx) return;
  if (spec.max_positions > 0 && settings.n_ctx > spec.max_positions) {
    spdlog::warn(
        "n_ctx is {}, but the model runs with {} positions at most: that is the context now",
        settings.n_ctx, spec.max_positions);
  } else if (settings.n_ctx > spec.context_length) {
    spdlog::warn(
        "n_ctx is {}, but the model was trained with {} tokens; answers beyond that are "
        "likely to be poor",
        settings.n_ctx, spec.context_length);
  }
}

// An encoder reads a text in one step, so a step should hold the longest: it does where nobody has
// chosen its size.
int64_t whole_text_rows(const Settings& settings, const model::ModelSpec& spec) {
  if (spec.causal || settings.n_batch != default_settings().n_batch) return 0;
  return context_of(settings, spec);
}

engine::EngineOptions engine_options(const Settings& settings, int64_t n_ctx) {
  engine::EngineOptions options;
  options.n_ctx = n_ctx;
  options.max_sequences = settings.n_parallel;
  options.max_queue = settings.n_queue;
  // Every running request takes a row in each step.
  options.max_batch_tokens = std::max(settings.n_batch, settings.n_parallel);
  options.prefill_chunk = settings.prefill_chunk;
  options.prefix_cache = settings.prefix_cache;
  if (!settings.draft_model.empty()) options.draft_tokens = settings.draft_model_num_pred_tokens;
  return options;
}

// The cache's memory is touched only as requests come, so one that is too large would be found out
// by the kernel, in the middle of the day.
Status check_cache(const MemoryPlan& plan, int64_t tokens, int64_t n_ctx) {
  if (tokens < n_ctx) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("kv_tokens is {}, less than n_ctx ({}): one request could not end",
                            tokens, n_ctx),
                "kv_tokens");
  }
  const uint64_t bytes = static_cast<uint64_t>(tokens) * plan.kv_bytes_per_token +
                         plan.windowed_kv_bytes + plan.state_bytes;
  if (bytes < plan.machine_bytes) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a cache of {} tokens takes {}, but this machine has {}: lower n_ctx "
                          "or kv_tokens to at most {}",
                          tokens, format_bytes(bytes), format_bytes(plan.machine_bytes),
                          plan.tokens_that_fit),
              "n_ctx");
}

// What does not work with recurrent layers is left out, and the log says so.
Settings for_recurrent_layers(const model::ModelSpec& spec, const MemoryPlan& plan,
                              Settings settings) {
  spdlog::info("recurrent layers: {} states ({})", state_count(spec, settings),
               format_bytes(plan.state_bytes));
  if (!settings.draft_model.empty()) {
    spdlog::warn("draft_model has no effect: recurrent states cannot take a wrong guess back");
    settings.draft_model.clear();
  }
  if (settings.cache) {
    spdlog::warn("cache has no effect: recurrent states are not kept in a second tier");
    settings.cache = false;
  }
  return settings;
}

// Tokens that the cache holds. What an encoder keeps there lives for a step only: one that is full
// of short texts, and the next one, which is admitted while it runs.
int64_t serving_tokens(const MemoryPlan& plan, const Settings& settings, const model::Model& model,
                       int64_t n_ctx) {
  const int64_t tokens = cache_tokens(plan, settings, n_ctx);
  if (model.spec().causal || settings.kv_tokens > 0) return tokens;
  const int64_t borders = settings.n_parallel * backend::kKvBlockTokens;
  return std::max(tokens, 2 * (model.options().max_rows + borders));
}

// None where no file is named. Guessing pays when it costs little beside what it saves.
Result<std::optional<LoadedModel>> load_draft(const LoadedModel& target, const Settings& settings,
                                              int64_t n_ctx) {
  if (!has_draft_file(settings)) return std::nullopt;
  CHASQUI_TRY(LoadedModel draft, load_draft_model(settings, target.tokenizer->vocab(), n_ctx));
  const uint64_t bytes = plan_memory(*draft.file, draft.model->spec(), settings).weight_bytes;
  const uint64_t of = plan_memory(*target.file, target.model->spec(), settings).weight_bytes;
  spdlog::info("{} guesses ahead ({} beside {})", settings.draft_model, format_bytes(bytes),
               format_bytes(of));
  if (bytes > of / kWorthwhileShare) {
    spdlog::warn("the draft model is not much smaller than the model: guessing will hardly pay");
  }
  return std::optional(std::move(draft));
}

// -1 and the default of the server that chasqui replaces both mean "random".
std::optional<uint64_t> default_seed(int64_t seed) {
  if (seed < 0 || seed == 0xFFFFFFFF) return std::nullopt;
  return static_cast<uint64_t>(seed);
}

// `text` is empty or a JSON object, as the settings table wants it.
jinja::Variables template_variables(const std::string& text) {
  jinja::Variables variables;
  if (text.empty()) return variables;
  const boost::json::value object = boost::json::parse(text);
  for (const auto& [name, value] : object.get_object()) {
    variables.emplace_back(name, chat::value_from_json(value, jinja::Origin::kTemplate));
  }
  return variables;
}

}  // namespace

api::ServedModel describe_model(const std::string& path, const Settings& settings) {
  api::ServedModel served;
  const bool is_path = settings.model_alias.empty() && settings.hf_model_repo_id.empty();
  served.id = is_path ? path : model_id(settings);
  served.created = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  served.embeddings = settings.embedding;
  served.last_n_tokens = static_cast<int32_t>(settings.last_n_tokens_size);
  served.default_seed = default_seed(settings.seed);
  served.template_variables = template_variables(settings.chat_template_kwargs);
  served.interrupt_streams = settings.interrupt_requests;
  return served;
}

Result<api::ServedModel> start_serving(const std::string& path, const Settings& wanted) {
  // In the words of the replaced server, which scripts may look for.
  if (!std::filesystem::exists(path)) {
    return fail(ErrorCode::kNotFound, "Model path does not exist: " + path, "model");
  }
  if (wanted.vocab_only) return start_vocabulary(path, wanted);
  const engine::EngineOptions rows = engine_options(wanted, 0);
  CHASQUI_TRY(LoadedModel loaded,
              load_model({.path = path,
                          .max_rows = rows.max_batch_tokens,
                          .max_logit_rows = std::max(rows.max_sequences, kMinLogitRows),
                          .least_rows =
                              [&wanted](const model::ModelSpec& spec) {
                                return whole_text_rows(wanted, spec);
                              }},
                         wanted));
  const model::ModelSpec& spec = loaded.model->spec();
  MemoryPlan plan = plan_memory(*loaded.file, spec, wanted);
  const Settings settings =
      spec.state_group < 0 ? wanted : for_recurrent_layers(spec, plan, wanted);
  CHASQUI_TRY(const auto format,
              choose_chat_format(*loaded.file, loaded.tokenizer->vocab(), settings));
  const int64_t n_ctx = context_of(settings, spec);
  warn_of_context(settings, spec);
  CHASQUI_TRY(const PoolingChoice pooling, choose_pooling(*loaded.model, settings));
  CHASQUI_TRY(std::optional<LoadedModel> draft, load_draft(loaded, settings, n_ctx));
  if (draft) plan = together(plan, plan_memory(*draft->file, draft->model->spec(), settings));
  const int64_t tokens = serving_tokens(plan, settings, *loaded.model, n_ctx);
  add_windows(plan, spec, tokens, settings);
  if (draft) add_windows(plan, draft->model->spec(), tokens, settings);
  CHASQUI_TRY_STATUS(check_cache(plan, tokens, n_ctx));
  spdlog::info("{} ({}, {:.1f} M parameters) on {}: context {}, cache {} tokens ({}), chat {}",
               path, spec.architecture, static_cast<double>(plan.parameters) / 1e6,
               loaded.backend->name(), n_ctx, tokens,
               format_bytes(static_cast<uint64_t>(tokens) * plan.kv_bytes_per_token +
                            plan.windowed_kv_bytes + plan.state_bytes),
               format->name());

  api::ServedModel served = describe_model(path, settings);
  served.tokenizer = loaded.tokenizer;
  served.chat_format = format;
  served.causal = spec.causal;
  served.embedding_size = static_cast<int32_t>(loaded.model->embedding_size());
  served.pooling = pooling.rows;
  served.ranks = pooling.ranks;
  CHASQUI_TRY(served.rerank_template, rerank_template(*loaded.file));
  engine::EngineOptions options = engine_options(settings, n_ctx);
  options.max_batch_tokens = loaded.model->options().max_rows;
  options.tier = open_cache_tier(settings, loaded);
  const double load_seconds = loaded.load_seconds;
  CHASQUI_TRY(auto runner, make_runner(std::move(loaded), tokens, settings));
  std::unique_ptr<engine::ModelRunner> guesser;
  if (draft) {
    CHASQUI_TRY(guesser, make_runner(std::move(*draft), tokens, settings));
  }
  spdlog::info("{} loaded in {:.2f} s; the process holds {} of memory (at most {} so far)", path,
               load_seconds, format_bytes(process_memory_bytes("VmRSS")),
               format_bytes(process_memory_bytes("VmHWM")));
  served.engine = std::make_shared<engine::Engine>(std::move(runner), served.tokenizer, options,
                                                   std::move(guesser));
  return served;
}

}  // namespace chasqui::app
