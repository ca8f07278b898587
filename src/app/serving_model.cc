#include "app/serving_model.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>

#include "app/memory_plan.h"
#include "backend/cpu/processors.h"
#include "base/checked_math.h"
#include "base/thread_team.h"
#include "chat/chat_format.h"
#include "chat/json_value.h"
#include "model/row_cost.h"

namespace chasqui::app {
namespace {

// Logit rows of a step even where few requests run: prompts whose log-probabilities are asked for
// (echo) take that many tokens a step.
constexpr int64_t kMinLogitRows = 64;

class LoadedModelRunner final : public engine::ModelRunner {
 public:
  // `processor`: where the engine's thread is bound; none: anywhere.
  LoadedModelRunner(LoadedModel loaded, const model::CacheOptions& cache,
                    std::optional<int> processor)
      : loaded_(std::move(loaded)),
        processor_(processor),
        groups_(loaded_.model->cache_groups(cache.key_type, cache.value_type)) {}

  void begin() override {
    if (processor_) bind_this_thread(*processor_);
  }
  int32_t vocab_size() const override { return static_cast<int32_t>(loaded_.model->spec().vocab); }
  int32_t hidden_size() const override {
    return static_cast<int32_t>(loaded_.model->spec().hidden);
  }
  std::span<const CacheSpec> cache_groups() const override { return groups_; }
  int64_t cache_blocks(int group) const override { return loaded_.model->cache_blocks(group); }
  int64_t max_rows() const override { return loaded_.model->options().max_rows; }
  int64_t max_logit_rows() const override { return loaded_.model->options().max_logit_rows; }
  int64_t even_depth() const override { return model::even_depth(loaded_.model->spec()); }
  model::StepOutputs forward(const model::StepInputs& inputs) override {
    return loaded_.model->forward(inputs);
  }

 private:
  LoadedModel loaded_;
  const std::optional<int> processor_;
  std::vector<CacheSpec> groups_;
};

Result<chat::ChatFormatPtr> choose_chat_format(const LoadedModel& loaded,
                                               const Settings& settings) {
  const text::Vocab& vocab = loaded.tokenizer->vocab();
  CHASQUI_TRY(const auto chat_template, loaded.file->get_string("tokenizer.chat_template"));
  const chat::ModelTexts texts = chat::model_texts(vocab, std::string(chat_template.value_or("")));
  if (!settings.chat_format.empty()) return chat::make_chat_format(settings.chat_format, texts);
  chat::DefaultFormat chosen = chat::default_chat_format(texts, vocab);
  if (!chosen.warning.empty()) {
    spdlog::warn("{}; using the chat format {} instead (setting chat_format)", chosen.warning,
                 chosen.format->name());
  }
  return chosen.format;
}

// The context of a request: the setting, or what the model was trained for.
int64_t context_of(const Settings& settings, const model::ModelSpec& spec) {
  if (settings.n_ctx == 0) return spec.context_length;
  // Nobody chose the default, so a model that was made for less gets less.
  if (settings.n_ctx == default_settings().n_ctx) {
    return std::min(settings.n_ctx, spec.context_length);
  }
  if (settings.n_ctx > spec.context_length) {
    spdlog::warn(
        "n_ctx is {}, but the model was trained with {} tokens; answers beyond that are "
        "likely to be poor",
        settings.n_ctx, spec.context_length);
  }
  return settings.n_ctx;
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
  const uint64_t bytes = static_cast<uint64_t>(tokens) * plan.kv_bytes_per_token;
  if (bytes < plan.machine_bytes) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("a cache of {} tokens takes {}, but this machine has {}: lower n_ctx "
                          "or kv_tokens to at most {}",
                          tokens, format_bytes(bytes), format_bytes(plan.machine_bytes),
                          plan.tokens_that_fit),
              "n_ctx");
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

Result<api::ServedModel> start_serving(const std::string& path, const Settings& settings) {
  // In the words of the replaced server, which scripts may look for.
  if (!std::filesystem::exists(path)) {
    return fail(ErrorCode::kNotFound, "Model path does not exist: " + path, "model");
  }
  const engine::EngineOptions rows = engine_options(settings, 0);
  CHASQUI_TRY(LoadedModel loaded,
              load_model({.path = path,
                          .max_rows = rows.max_batch_tokens,
                          .max_logit_rows = std::max(rows.max_sequences, kMinLogitRows)},
                         settings));
  const model::ModelSpec& spec = loaded.model->spec();
  CHASQUI_TRY(const auto format, choose_chat_format(loaded, settings));
  const int64_t n_ctx = context_of(settings, spec);
  const MemoryPlan plan = plan_memory(*loaded.file, spec, settings);
  const int64_t tokens = cache_tokens(plan, settings, n_ctx);
  CHASQUI_TRY_STATUS(check_cache(plan, tokens, n_ctx));
  model::CacheOptions cache = cache_types(settings);
  cache.blocks.assign(spec.cache_windows.size(), ceil_div(tokens, backend::kKvBlockTokens));
  CHASQUI_TRY_STATUS(loaded.model->allocate_cache(cache));
  spdlog::info("{} ({}, {:.1f} M parameters) on {}: context {}, cache {} tokens ({}), chat {}",
               path, spec.architecture, static_cast<double>(plan.parameters) / 1e6,
               loaded.backend->name(), n_ctx, tokens,
               format_bytes(static_cast<uint64_t>(tokens) * plan.kv_bytes_per_token),
               format->name());

  api::ServedModel served;
  served.id = settings.model_alias.empty() ? path : settings.model_alias;
  served.created = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  served.tokenizer = loaded.tokenizer;
  served.chat_format = format;
  served.hidden_size = static_cast<int32_t>(spec.hidden);
  served.embeddings = settings.embedding;
  served.last_n_tokens = static_cast<int32_t>(settings.last_n_tokens_size);
  served.default_seed = default_seed(settings.seed);
  served.template_variables = template_variables(settings.chat_template_kwargs);
  served.interrupt_streams = settings.interrupt_requests;
  // The engine's thread is the first of the team: the team binds the others itself.
  std::optional<int> processor;
  if (settings.pin_threads) processor = backend::cpu::allowed_processors().front();
  auto runner = std::make_unique<LoadedModelRunner>(std::move(loaded), cache, processor);
  served.engine = std::make_shared<engine::Engine>(std::move(runner), served.tokenizer,
                                                   engine_options(settings, n_ctx));
  return served;
}

}  // namespace chasqui::app
