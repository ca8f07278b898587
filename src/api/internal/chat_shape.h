// The JSON of /v1/chat/completions.
#pragma once

#include <memory>

#include "api/internal/answer_shape.h"

namespace chasqui::api {

class ChatShape final : public AnswerShape {
 public:
  ChatShape(AnswerHead head, bool logprobs, std::shared_ptr<const text::Tokenizer> tokenizer);

  void open(size_t choice, Chunks& out) override;
  void delta(size_t choice, const engine::Event& event, Chunks& out) override;
  void close(size_t choice, engine::FinishReason reason, Chunks& out) override;
  std::string usage_chunk(const engine::Usage& usage) override;
  std::string whole(const std::vector<engine::Event>& choices, const engine::Usage& usage) override;

 private:
  // {"content": [{token, logprob, bytes, top_logprobs}]}
  boost::json::object logprobs(const std::vector<engine::TokenOutput>& tokens) const;
  boost::json::object entry(int32_t token, float logprob) const;
  std::string chunk(size_t choice, boost::json::object delta, boost::json::value finish,
                    const std::vector<engine::TokenOutput>* tokens) const;
  boost::json::object envelope(const char* kind) const;

  const AnswerHead head_;
  const bool logprobs_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
};

}  // namespace chasqui::api
