#include "api/internal/chat_shape.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Kind = chat::OutputEvent::Kind;

constexpr const char* kChunk = "chat.completion.chunk";

}  // namespace

ChatShape::ChatShape(AnswerHead head, ChatStyle style,
                     std::shared_ptr<const text::Tokenizer> tokenizer)
    : head_(std::move(head)), style_(std::move(style)), tokenizer_(std::move(tokenizer)) {}

void ChatShape::open(size_t choice, Chunks& out) {
  progress_.emplace(choice, Progress(style_.output));
  out.push_back(chunk(choice, {{"role", "assistant"}}, nullptr, nullptr));
}

void ChatShape::delta(size_t choice, const engine::Event& event, Chunks& out) {
  if (event.text.empty() && event.tokens.empty()) return;
  if (style_.output.is_plain()) {
    out.push_back(chunk(choice, {{"content", event.text}}, nullptr, &event.tokens));
    return;
  }
  Progress& progress = progress_.at(choice);
  if (style_.logprobs) {
    progress.waiting.insert(progress.waiting.end(), event.tokens.begin(), event.tokens.end());
  }
  if (style_.output.has_thoughts()) progress.thoughts.push(event.tokens);
  chat::OutputEvents events;
  progress.parser.push(event.text, events);
  show(choice, events, progress, out);
}

// The log-probabilities of an event go with the first chunk that its text leads to.
void ChatShape::show(size_t choice, const chat::OutputEvents& events, Progress& progress,
                     Chunks& out) const {
  for (const chat::OutputEvent& event : events) {
    if (event.kind == Kind::kCallEnd) continue;
    if (event.kind == Kind::kCallBegin) ++progress.calls;
    out.push_back(chunk(choice, delta_of(event, progress.calls), nullptr, &progress.waiting));
    progress.waiting.clear();
  }
}

// `calls`: begun so far, the event's own included.
json::object ChatShape::delta_of(const chat::OutputEvent& event, size_t calls) const {
  if (event.kind == Kind::kContent) return {{"content", event.text}};
  if (event.kind == Kind::kReasoning) return {{"reasoning_content", event.text}};
  const bool begins = event.kind == Kind::kCallBegin;
  json::object function;
  if (begins) function["name"] = event.text;
  function["arguments"] = begins ? "" : event.text;
  if (style_.old_style_calls) return {{"function_call", std::move(function)}};
  json::object call = {{"index", calls - 1}};
  if (begins) call.insert({{"id", make_call_id()}, {"type", "function"}});
  call["function"] = std::move(function);
  return {{"tool_calls", json::array{std::move(call)}}};
}

void ChatShape::close(size_t choice, engine::FinishReason reason, Chunks& out) {
  Progress& progress = progress_.at(choice);
  chat::OutputEvents events;
  progress.parser.finish(events);
  show(choice, events, progress, out);
  out.push_back(chunk(choice, {}, finish(reason, progress.calls),
                      progress.waiting.empty() ? nullptr : &progress.waiting));
  thoughts_ += progress.thoughts.count();
  progress_.erase(choice);
}

const char* ChatShape::finish(engine::FinishReason reason, size_t calls) const {
  if (calls == 0 || reason != engine::FinishReason::kStop) return finish_name(reason);
  return style_.old_style_calls ? "function_call" : "tool_calls";
}

// `calls` becomes their number.
json::object ChatShape::message_of(const std::string& text, size_t& calls) const {
  chat::OutputParser parser(style_.output);
  chat::OutputEvents events;
  parser.push(text, events);
  parser.finish(events);
  std::string content, reasoning;
  json::array list;
  for (const chat::OutputEvent& event : events) {
    if (event.kind == Kind::kContent) content += event.text;
    if (event.kind == Kind::kReasoning) reasoning += event.text;
    if (event.kind == Kind::kCallBegin) {
      list.push_back({{"id", make_call_id()},
                      {"type", "function"},
                      {"function", {{"name", event.text}, {"arguments", ""}}}});
    } else if (event.kind == Kind::kArguments) {
      json::string& arguments = list.back().at("function").at("arguments").get_string();
      arguments.append(event.text);
    }
  }
  calls = list.size();
  json::object message = {{"role", "assistant"}, {"content", content}};
  if (!reasoning.empty()) message["reasoning_content"] = reasoning;
  if (calls == 0) return message;
  if (content.empty()) message["content"] = nullptr;
  if (style_.old_style_calls) {
    message["function_call"] = list[0].at("function");
  } else {
    message["tool_calls"] = std::move(list);
  }
  return message;
}

std::string ChatShape::usage_chunk(const engine::Usage& usage) {
  json::object object = envelope(kChunk);
  object["choices"] = json::array();
  object["usage"] = usage_with(usage, thoughts_);
  return json::serialize(object);
}

std::string ChatShape::whole(const std::vector<engine::Event>& choices,
                             const engine::Usage& usage) {
  json::array list;
  int64_t thoughts = 0;
  for (size_t i = 0; i < choices.size(); ++i) {
    const engine::Event& event = choices[i];
    if (style_.output.has_thoughts()) {
      ThoughtCounter counter(style_.output);
      counter.push(event.tokens);
      thoughts += counter.count();
    }
    size_t calls = 0;
    json::object choice = {{"index", i}, {"message", message_of(event.text, calls)}};
    choice["logprobs"] = style_.logprobs ? json::value(logprobs(event.tokens)) : json::value();
    choice["finish_reason"] = finish(*event.finish, calls);
    list.push_back(std::move(choice));
  }
  json::object object = envelope("chat.completion");
  object["choices"] = std::move(list);
  object["usage"] = usage_with(usage, thoughts);
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
  const bool shows = style_.logprobs && tokens != nullptr;
  item["logprobs"] = shows ? json::value(logprobs(*tokens)) : json::value();
  item["finish_reason"] = std::move(finish);
  json::object object = envelope(kChunk);
  object["choices"] = json::array{std::move(item)};
  return json::serialize(object);
}

json::object ChatShape::usage_with(const engine::Usage& usage, int64_t thoughts) const {
  json::object object = usage_json(usage);
  if (style_.output.has_thoughts()) {
    json::value& details = object["completion_tokens_details"];
    if (details.is_null()) details.emplace_object();
    details.get_object()["reasoning_tokens"] = thoughts;
  }
  return object;
}

json::object ChatShape::envelope(const char* kind) const {
  return {{"id", head_.id}, {"object", kind}, {"created", head_.created}, {"model", head_.model}};
}

}  // namespace chasqui::api
