#include "api/internal/chat_shape.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

constexpr const char* kChunk = "chat.completion.chunk";

}  // namespace

ChatShape::ChatShape(AnswerHead head, bool logprobs,
                     std::shared_ptr<const text::Tokenizer> tokenizer)
    : head_(std::move(head)), logprobs_(logprobs), tokenizer_(std::move(tokenizer)) {}

void ChatShape::open(size_t choice, Chunks& out) {
  out.push_back(chunk(choice, {{"role", "assistant"}}, nullptr, nullptr));
}

void ChatShape::delta(size_t choice, const engine::Event& event, Chunks& out) {
  if (event.text.empty() && event.tokens.empty()) return;
  out.push_back(chunk(choice, {{"content", event.text}}, nullptr, &event.tokens));
}

void ChatShape::close(size_t choice, engine::FinishReason reason, Chunks& out) {
  out.push_back(chunk(choice, {}, finish_name(reason), nullptr));
}

std::string ChatShape::usage_chunk(const engine::Usage& usage) {
  json::object object = envelope(kChunk);
  object["choices"] = json::array();
  object["usage"] = usage_json(usage);
  return json::serialize(object);
}

std::string ChatShape::whole(const std::vector<engine::Event>& choices,
                             const engine::Usage& usage) {
  json::array list;
  for (size_t i = 0; i < choices.size(); ++i) {
    const engine::Event& event = choices[i];
    json::object choice = {{"index", i},
                           {"message", {{"role", "assistant"}, {"content", event.text}}}};
    if (logprobs_) choice["logprobs"] = logprobs(event.tokens);
    choice["finish_reason"] = finish_name(*event.finish);
    list.push_back(std::move(choice));
  }
  json::object object = envelope("chat.completion");
  object["choices"] = std::move(list);
  object["usage"] = usage_json(usage);
  return json::serialize(object);
}

json::object ChatShape::logprobs(const std::vector<engine::TokenOutput>& tokens) const {
  json::array content;
  for (const engine::TokenOutput& output : tokens) {
    json::object token = entry(output.token, output.logprob);
    json::array top;
    for (const sample::TokenLogprob& candidate : output.top) {
      top.push_back(entry(candidate.token, candidate.logprob));
    }
    token["top_logprobs"] = std::move(top);
    content.push_back(std::move(token));
  }
  return {{"content", std::move(content)}};
}

// `bytes` are exact also for tokens that hold part of a character; `token` cannot be.
json::object ChatShape::entry(int32_t token, float logprob) const {
  json::array bytes;
  for (const char c : tokenizer_->piece(token, true)) {
    bytes.emplace_back(static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return {{"token", token_text(*tokenizer_, token)},
          {"logprob", json_number(logprob)},
          {"bytes", std::move(bytes)}};
}

std::string ChatShape::chunk(size_t choice, json::object delta, json::value finish,
                             const std::vector<engine::TokenOutput>* tokens) const {
  json::object item = {{"index", choice}, {"delta", std::move(delta)}};
  if (logprobs_ && tokens != nullptr) item["logprobs"] = logprobs(*tokens);
  item["finish_reason"] = std::move(finish);
  json::object object = envelope(kChunk);
  object["choices"] = json::array{std::move(item)};
  return json::serialize(object);
}

json::object ChatShape::envelope(const char* kind) const {
  return {{"id", head_.id}, {"object", kind}, {"created", head_.created}, {"model", head_.model}};
}

}  // namespace chasqui::api
