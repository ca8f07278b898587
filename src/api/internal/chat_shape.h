// The JSON of /v1/chat/completions.
#pragma once

#include <map>
#include <memory>

#include "api/internal/answer_shape.h"
#include "api/internal/thought_counter.h"
#include "chat/output_parser.h"

namespace chasqui::api {

struct ChatStyle {
  bool logprobs = false;
  bool old_style_calls = false;  // message.function_call instead of tool_calls
  chat::OutputStyle output;
};

class ChatShape final : public AnswerShape {
 public:
  ChatShape(AnswerHead head, ChatStyle style, std::shared_ptr<const text::Tokenizer> tokenizer);

  void open(size_t choice, Chunks& out) override;
  void delta(size_t choice, const engine::Event& event, Chunks& out) override;
  void close(size_t choice, engine::FinishReason reason, Chunks& out) override;
  std::string usage_chunk(const engine::Usage& usage) override;
  std::string whole(const std::vector<engine::Event>& choices, const engine::Usage& usage) override;

 private:
  // Of a streamed choice.
  struct Progress {
    explicit Progress(const chat::OutputStyle& style) : parser(style), thoughts(style) {}
    chat::OutputParser parser;
    ThoughtCounter thoughts;
    size_t calls = 0;                          // begun
    std::vector<engine::TokenOutput> waiting;  // behind text that the parser holds back
  };

  void show(size_t choice, const chat::OutputEvents& events, Progress& progress, Chunks& out) const;
  boost::json::object delta_of(const chat::OutputEvent& event, size_t calls) const;
  boost::json::object message_of(const std::string& text, size_t& calls) const;
  const char* finish(engine::FinishReason reason, size_t calls) const;
  // {"content": [{token, logprob, bytes, top_logprobs}]}
  boost::json::object logprobs(const std::vector<engine::TokenOutput>& tokens) const;
  boost::json::object entry(int32_t token, float logprob) const;
  std::string chunk(size_t choice, boost::json::object delta, boost::json::value finish,
                    const std::vector<engine::TokenOutput>* tokens) const;
  boost::json::object usage_with(const engine::Usage& usage, int64_t thoughts) const;
  boost::json::object envelope(const char* kind) const;

  const AnswerHead head_;
  const ChatStyle style_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::map<size_t, Progress> progress_;  // by choice; of those that are open
  int64_t thoughts_ = 0;                 // tokens of streamed choices that are closed
};

}  // namespace chasqui::api
