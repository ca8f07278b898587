#include "api/internal/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cfloat>
#include <charconv>
#include <limits>

#include "api/internal/chat_answer.h"
#include "api/internal/infill.h"
#include "base/rng.h"
#include "chat/generic_tools.h"
#include "chat/json_value.h"
#include "engine/grammar_filter.h"

namespace chasqui::api {
namespace {

// Which of the replaced server's two wordings a context error uses.
enum class Wording { kPrompt, kMessages };

Error context_error(Wording wording, int64_t n_ctx, int64_t prompt, int64_t completion,
                    std::string param) {
  const int64_t asked = prompt + completion;
  std::string message =
      wording == Wording::kMessages
          ? fmt::format(
                "This model's maximum context length is {} tokens. However, you requested {} "
                "tokens ({} in the messages, {} in the completion). Please reduce the length of "
                "the messages or completion.",
                n_ctx, asked, prompt, completion)
          : fmt::format(
                "This model's maximum context length is {} tokens, however you requested {} "
                "tokens ({} in your prompt; {} for the completion). Please reduce your prompt; or "
                "completion length.",
                n_ctx, asked, prompt, completion);
  return {ErrorCode::kContextLength, std::move(message), std::move(param)};
}

// A completion's prompt is written as a whole by its caller, so control tokens in it count (as in
// the replaced server), and nothing is put behind it.
std::vector<int32_t> encode_text(const ModelContext& context, const std::string& text) {
  const chat::PromptPart part = {text, true};
  return context.encoder().encode({&part, 1});
}

// A token stands for at most longest_text() bytes; normalisation may shorten a text, three bytes to
// one.
constexpr size_t kShrinking = 4;

// A text so long that no tokenizer could fit it into the context is refused before it is tokenised:
// that would take the preparation threads seconds, and the answer would be the same.
Status check_length(const ModelContext& context, size_t bytes, Wording wording,
                    const std::string& path) {
  const int64_t n_ctx = context.model().engine->options().n_ctx;
  const auto least = static_cast<int64_t>(bytes / bytes_of_token(context));
  if (least < n_ctx) return {};
  const std::string_view what = wording == Wording::kMessages ? "messages" : "prompt";
  return fail(ErrorCode::kContextLength,
              fmt::format("This model's maximum context length is {} tokens. However, your {} "
                          "would be at least {} tokens. Please reduce the length.",
                          n_ctx, what, least),
              path);
}

Result<PlannedPrompt> plan_input(const ModelContext& context, const Input& input,
                                 const std::string& path) {
  const text::Tokenizer& tokenizer = *context.model().tokenizer;
  const text::SpecialTokens& special = tokenizer.vocab().special();
  PlannedPrompt prompt;
  if (!input.is_tokens) {
    CHASQUI_TRY_STATUS(check_length(context, input.text.size(), Wording::kPrompt, path));
    prompt.text = input.text;
    prompt.tokens = encode_text(context, input.text);
    prompt.bos_added =
        !prompt.tokens.empty() && special.add_bos && prompt.tokens.front() == special.bos;
    // As before, an empty prompt is one BOS even for models that do without otherwise.
    if (prompt.tokens.empty() && special.bos != text::kNoToken) {
      prompt.tokens = {special.bos};
      prompt.bos_added = true;
    }
  } else {
    CHASQUI_TRY(prompt.tokens, check_tokens(tokenizer.vocab(), input.tokens, path));
    prompt.text = tokenizer.decode(prompt.tokens, {.remove_special = true, .clean_spaces = false});
  }
  if (prompt.tokens.empty()) return bad_field(path, "must not be empty: it holds no token");
  return prompt;
}

Result<int32_t> bias_id(const text::Vocab& vocab, const std::string& key) {
  const std::string path = "logit_bias." + key;
  int64_t id = -1;
  const char* end = key.data() + key.size();
  const auto [rest, error] = std::from_chars(key.data(), end, id);
  if (error != std::errc() || rest != end) {
    return bad_field("logit_bias", fmt::format("must have token ids as keys (or logit_bias_type "
                                               "\"tokens\"), but has \"{}\"",
                                               key.substr(0, 40)));
  }
  CHASQUI_TRY_STATUS(check_token(vocab, id, path));
  return static_cast<int32_t>(id);
}

Status resolve_logit_bias(const ModelContext& context, const GenerationBody& body,
                          sample::SamplingSpec& sampling) {
  const text::Tokenizer& tokenizer = *context.model().tokenizer;
  for (const auto& [key, bias] : body.logit_bias) {
    if (!body.logit_bias_by_text) {
      CHASQUI_TRY(const int32_t id, bias_id(tokenizer.vocab(), key));
      sampling.logit_bias.emplace_back(id, static_cast<float>(bias));
      continue;
    }
    for (const int32_t id : tokenizer.encode(key, {.add_special = false, .parse_special = true})) {
      sampling.logit_bias.emplace_back(id, static_cast<float>(bias));
    }
    if (sampling.logit_bias.size() > Limits::kLogitBias) {
      return bad_field("logit_bias",
                       fmt::format("stands for more than {} tokens", Limits::kLogitBias));
    }
  }
  return {};
}

// The chain wants these above 0; the API's 0 means "only the likeliest", which this still is.
float positive(float share) {
  return std::max(share, FLT_MIN);
}

// What all copies of all prompts have in common.
Result<engine::Request> plan_common(const ModelContext& context, const GenerationBody& body) {
  const ServedModel& model = context.model();
  if (!model.causal) {
    return fail(ErrorCode::kUnsupported,
                "This model is an encoder and writes no text: ask /v1/embeddings or /v1/rerank");
  }
  engine::Request request;
  request.sampling = body.sampling;
  request.sampling.top_p = positive(body.sampling.top_p);
  request.sampling.typical_p = positive(body.sampling.typical_p);
  request.sampling.tfs_z = positive(body.sampling.tfs_z);
  request.sampling.penalty_last_n = model.last_n_tokens;
  if (!request.sampling.seed) request.sampling.seed = model.default_seed;
  CHASQUI_TRY_STATUS(resolve_logit_bias(context, body, request.sampling));
  for (size_t i = 0; i < body.stop_token_ids.size(); ++i) {
    CHASQUI_TRY_STATUS(check_token(model.tokenizer->vocab(), body.stop_token_ids[i],
                                   fmt::format("stop_token_ids[{}]", i)));
  }
  request.stop_tokens = body.stop_token_ids;
  request.stops = body.stops;
  request.ignore_eos = body.ignore_eos;
  request.min_tokens = body.min_tokens;
  return request;
}

// Sets prompt and lengths of `request`: a prompt that fills the context is refused, an answer that
// does not fit is shortened.
Status fit(const ModelContext& context, const PlannedPrompt& prompt,
           std::optional<int64_t> max_tokens, Wording wording, const char* param,
           engine::Request& request) {
  const int64_t n_ctx = context.model().engine->options().n_ctx;
  const auto length = static_cast<int64_t>(prompt.tokens.size());
  if (length >= n_ctx) {
    return fail(context_error(wording, n_ctx, length, max_tokens.value_or(0), param));
  }
  const int64_t room = n_ctx - length;
  request.prompt = prompt.tokens;
  request.max_tokens = std::min(max_tokens.value_or(room), room);
  request.min_tokens = std::min(request.min_tokens, request.max_tokens);
  return {};
}

// All sequences of a request are submitted at once: more than there are places would be refused for
// ever, and each time as if others were in the way.
Status check_places(const ModelContext& context, size_t sequences, const char* param) {
  const engine::EngineOptions& options = context.model().engine->options();
  const auto places = static_cast<size_t>(options.max_sequences + options.max_queue);
  if (sequences <= places) return {};
  return bad_field(param, fmt::format("asks for {} answers together, but this server takes at most "
                                      "{} (settings n_parallel and n_queue)",
                                      sequences, places));
}

// A whole answer is held as JSON until its last token is there. One alone is bounded by the
// context; what `n` multiplies is bounded here.
Status check_logprobs(const Plan& plan) {
  int64_t entries = 0;
  for (const engine::Request& request : plan.requests) {
    if (request.top_logprobs >= 0) entries += request.max_tokens * (1 + request.top_logprobs);
  }
  if (plan.requests.size() <= 1 || entries <= Limits::kLogprobEntries) return {};
  return bad_field("n", fmt::format("answers with log-probabilities may have {} of them together, "
                                    "but {} are asked for: lower n, max_tokens or their number",
                                    Limits::kLogprobEntries, entries));
}

// `make_filter`: called for each copy, which follows its constraint on its own; may give null.
template <typename MakeFilter>
void add_copies(Plan& plan, const engine::Request& request, const MakeFilter& make_filter) {
  for (int copy = 0; copy < plan.copies; ++copy) {
    plan.requests.push_back(request);
    plan.requests.back().filter = make_filter();
    std::optional<uint64_t>& seed = plan.requests.back().sampling.seed;
    if (seed) seed = derived_seed(*seed, static_cast<uint64_t>(copy));
  }
}

Result<chat::Prompt> render_chat(const ModelContext& context, const ChatBody& body) {
  const chat::ChatFormat& format = *context.model().chat_format;
  chat::ChatInput input;
  input.messages = body.messages;
  input.more = context.model().template_variables;
  input.more.insert(input.more.end(), body.template_variables.begin(),
                    body.template_variables.end());
  if (format.speech().knows_tools) {
    if (body.tools.tools) {
      input.tools = chat::value_from_json(body.tools.objects, jinja::Origin::kCaller);
      input.functions = *body.tools.tools;
    }
    return format.render(input);
  }
  const chat::Tools tools = body.tools.tools ? *body.tools.tools : chat::Tools();
  const auto messages = chat::with_tools_in_words(body.messages, tools, chat::Place::kSystem);
  input.messages = messages;
  auto prompt = format.render(input);
  if (prompt || tools.empty()) return prompt;
  // Some templates refuse system messages; if that is not it, the first error says more.
  const auto others = chat::with_tools_in_words(body.messages, tools, chat::Place::kUser);
  input.messages = others;
  auto second = format.render(input);
  return second ? second : prompt;
}

// Whether the prompt has written the header of the answer itself.
bool begins_answer(const std::string& prompt, const chat::ToolDialect* dialect) {
  return dialect != nullptr && !dialect->before_answer.empty() &&
         prompt.ends_with(dialect->before_answer);
}

// What ends the answers of a format, as text and, where it is a control token, as that too: such a
// token may never become text.
void add_stops(const text::Tokenizer& tokenizer, const std::vector<std::string>& stops,
               engine::Request& request) {
  request.stops.insert(request.stops.end(), stops.begin(), stops.end());
  for (const std::string& stop : stops) {
    const auto ids = tokenizer.encode(stop, {.add_special = false, .parse_special = true});
    const bool is_control =
        ids.size() == 1 && tokenizer.vocab().kind(ids[0]) == text::TokenKind::kControl;
    if (is_control) request.stop_tokens.push_back(ids[0]);
  }
}

}  // namespace

Status check_token(const text::Vocab& vocab, int64_t id, const std::string& path) {
  if (id >= 0 && id < vocab.size()) return {};
  return bad_field(path,
                   fmt::format("must be a token id from 0 to {}, but is {}", vocab.size() - 1, id));
}

Result<std::vector<int32_t>> check_tokens(const text::Vocab& vocab, std::span<const int64_t> ids,
                                          const std::string& path) {
  std::vector<int32_t> tokens;
  tokens.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    CHASQUI_TRY_STATUS(check_token(vocab, ids[i], fmt::format("{}[{}]", path, i)));
    tokens.push_back(static_cast<int32_t>(ids[i]));
  }
  return tokens;
}

size_t bytes_of_token(const ModelContext& context) {
  return std::max<size_t>(1, context.model().tokenizer->vocab().longest_text()) * kShrinking;
}

uint64_t derived_seed(uint64_t seed, uint64_t index) {
  if (index == 0) return seed;
  uint64_t state = seed ^ (index * 0x9e3779b97f4a7c15ull);
  return splitmix64(state);
}

namespace {

// A prompt whose model fills in what stands before the suffix, instead of putting it behind.
Status add_suffix(const ModelContext& context, const CompletionBody& body, size_t index,
                  PlannedPrompt& prompt) {
  CHASQUI_TRY_STATUS(check_length(context, body.suffix.size(), Wording::kPrompt, "suffix"));
  if (body.echo && body.logprobs) {
    return bad_field("echo", "cannot score a prompt with a suffix that the model fills in before");
  }
  prompt.tokens = infill_prompt(context, body.prompts[index], body.suffix);
  return {};
}

}  // namespace

Result<Plan> plan_completion(const ModelContext& context, const CompletionBody& body) {
  CHASQUI_TRY(engine::Request common, plan_common(context, body));
  CHASQUI_TRY(const grammar::GrammarPtr grammar, context.grammars().get(body.constraint));
  Plan plan;
  plan.copies = static_cast<int>(body.best_of.value_or(body.n));
  // Choosing the likeliest answers needs their log-probabilities.
  if (plan.copies > body.n) common.top_logprobs = 0;
  if (body.logprobs) common.top_logprobs = static_cast<int>(*body.logprobs);
  common.prompt_logprobs = body.echo && body.logprobs.has_value();
  plan.infills = !body.suffix.empty() && can_infill(context.model().tokenizer->vocab());
  CHASQUI_TRY_STATUS(check_places(context, body.prompts.size() * static_cast<size_t>(plan.copies),
                                  body.prompts.size() > 1 ? "prompt" : "n"));
  for (size_t i = 0; i < body.prompts.size(); ++i) {
    const std::string path = body.prompts.size() == 1 ? "prompt" : fmt::format("prompt[{}]", i);
    CHASQUI_TRY(PlannedPrompt prompt, plan_input(context, body.prompts[i], path));
    if (plan.infills) CHASQUI_TRY_STATUS(add_suffix(context, body, i, prompt));
    engine::Request request = common;
    CHASQUI_TRY_STATUS(fit(context, prompt, body.max_tokens, Wording::kPrompt, "prompt", request));
    add_copies(plan, request,
               [&] { return grammar ? engine::make_grammar_filter(grammar) : nullptr; });
    plan.prompts.push_back(std::move(prompt));
  }
  CHASQUI_TRY_STATUS(check_logprobs(plan));
  return plan;
}

Result<Plan> plan_chat(const ModelContext& context, const ChatBody& body) {
  CHASQUI_TRY(engine::Request request, plan_common(context, body));
  Plan plan;
  plan.copies = body.n;
  CHASQUI_TRY_STATUS(check_places(context, static_cast<size_t>(body.n), "n"));
  plan.output = output_style(context, body);
  CHASQUI_TRY(chat::Prompt rendered, render_chat(context, body));
  const std::string text = rendered.text();
  plan.output.starts_thinking = chat::ends_thinking(text, plan.output.think);
  plan.output.starts_in_body = begins_answer(text, plan.output.dialect);
  CHASQUI_TRY(const ChatGrammar grammar, chat_grammar(context, body, plan.output));
  add_stops(*context.model().tokenizer, rendered.stops, request);
  request.show_special = shows_control_tokens(context, plan.output);
  request.report_tokens = plan.output.has_thoughts();  // to count them
  if (body.logprobs) request.top_logprobs = static_cast<int>(body.top_logprobs.value_or(0));
  CHASQUI_TRY_STATUS(check_length(context, text.size(), Wording::kMessages, "messages"));
  PlannedPrompt prompt;
  prompt.tokens = context.encoder().encode(rendered.parts);
  CHASQUI_TRY_STATUS(
      fit(context, prompt, body.max_tokens, Wording::kMessages, "messages", request));
  add_copies(plan, request, [&] { return chat_filter(context, body, plan.output, grammar); });
  plan.prompts.push_back(std::move(prompt));
  CHASQUI_TRY_STATUS(check_logprobs(plan));
  return plan;
}

}  // namespace chasqui::api
