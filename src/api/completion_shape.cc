#include "api/internal/completion_shape.h"

#include <algorithm>

namespace json = boost::json;

namespace chasqui::api {
namespace {

// {token text: logprob}: the likeliest, and the chosen one even when it is not among them. Tokens
// that show the same text share a key, as in the replaced server; the likeliest keeps it.
json::object top_json(const text::Tokenizer& tokenizer, const engine::TokenOutput& output,
                      std::string_view chosen_text) {
  json::object top;
  for (const sample::TokenLogprob& candidate : output.top) {
    const bool chosen = candidate.token == output.token;
    const std::string text =
        chosen ? std::string(chosen_text) : token_text(tokenizer, candidate.token);
    top.emplace(text, json_number(candidate.logprob));  // keeps the first
  }
  if (!top.contains(chosen_text)) top.emplace(chosen_text, json_number(output.logprob));
  return top;
}

}  // namespace

CompletionShape::CompletionShape(AnswerHead head, CompletionStyle style,
                                 std::vector<PlannedPrompt> prompts, size_t copies_shown,
                                 std::shared_ptr<const text::Tokenizer> tokenizer)
    : head_(std::move(head)),
      style_(std::move(style)),
      prompts_(std::move(prompts)),
      copies_shown_(copies_shown),
      tokenizer_(std::move(tokenizer)) {
  for (size_t choice = 0; choice < prompts_.size() * copies_shown_; ++choice) {
    progress_.push_back(start(choice));
  }
}

void CompletionShape::open(size_t choice, Chunks& out) {
  if (style_.echo) out.push_back(chunk(choice, prompt_of(choice).text, nullptr, nullptr));
}

void CompletionShape::delta(size_t choice, const engine::Event& event, Chunks& out) {
  if (event.text.empty() && event.tokens.empty()) return;
  json::value probabilities = nullptr;
  if (style_.logprobs) probabilities = logprobs(event.tokens, choice, progress_[choice]);
  out.push_back(chunk(choice, event.text, std::move(probabilities), nullptr));
}

void CompletionShape::close(size_t choice, engine::FinishReason reason, Chunks& out) {
  out.push_back(chunk(choice, style_.suffix, nullptr, finish_name(reason)));
}

std::string CompletionShape::usage_chunk(const engine::Usage& usage) {
  json::object object = envelope();
  object["choices"] = json::array();
  object["usage"] = usage_json(usage);
  return json::serialize(object);
}

std::string CompletionShape::whole(const std::vector<engine::Event>& choices,
                                   const engine::Usage& usage) {
  json::array list;
  for (size_t i = 0; i < choices.size(); ++i) {
    const engine::Event& event = choices[i];
    json::value probabilities = nullptr;
    if (style_.logprobs) {
      Progress progress = start(i);
      probabilities = logprobs(event.tokens, i, progress);
    }
    const std::string shown = style_.echo ? prompt_of(i).text : "";
    list.push_back(json::object{{"text", shown + event.text + style_.suffix},
                                {"index", i},
                                {"logprobs", std::move(probabilities)},
                                {"finish_reason", finish_name(*event.finish)}});
  }
  json::object object = envelope();
  object["choices"] = std::move(list);
  object["usage"] = usage_json(usage);
  return json::serialize(object);
}

CompletionShape::Progress CompletionShape::start(size_t choice) const {
  return {style_.echo ? 0 : count_characters(prompt_of(choice).text), 0};
}

json::object CompletionShape::logprobs(const std::vector<engine::TokenOutput>& tokens,
                                       size_t choice, Progress& progress) const {
  json::array texts, values, tops, offsets;
  // A BOS that the caller did not write is not part of the text that is echoed.
  const size_t hidden = style_.echo && prompt_of(choice).bos_added ? 1 : 0;
  for (const engine::TokenOutput& output : tokens) {
    const size_t position = progress.tokens_seen++;
    if (position < hidden) continue;
    // OpenAI's API gives nothing for the first token of an echoed prompt.
    const bool no_value = style_.echo && position == hidden;
    texts.emplace_back(output.text);
    offsets.emplace_back(progress.characters);
    values.push_back(no_value ? json::value() : json_number(output.logprob));
    tops.push_back(no_value ? json::value()
                            : json::value(top_json(*tokenizer_, output, output.text)));
    progress.characters += count_characters(output.text);
  }
  return {{"tokens", std::move(texts)},
          {"text_offset", std::move(offsets)},
          {"token_logprobs", std::move(values)},
          {"top_logprobs", std::move(tops)}};
}

std::string CompletionShape::chunk(size_t choice, std::string_view text, json::value probabilities,
                                   json::value finish) const {
  json::object object = envelope();
  object["choices"] = json::array{json::object{{"text", text},
                                               {"index", choice},
                                               {"logprobs", std::move(probabilities)},
                                               {"finish_reason", std::move(finish)}}};
  return json::serialize(object);
}

json::object CompletionShape::envelope() const {
  return {{"id", head_.id},
          {"object", "text_completion"},
          {"created", head_.created},
          {"model", head_.model}};
}

}  // namespace chasqui::api
