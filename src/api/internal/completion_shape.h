// The JSON of /v1/completions.
#pragma once

#include <memory>
#include <vector>

#include "api/internal/answer_shape.h"
#include "api/internal/plan.h"

namespace chasqui::api {

struct CompletionStyle {
  bool echo = false;
  bool logprobs = false;
  std::string suffix;
};

// `prompts`: of the plan; choice c belongs to prompt c / copies_shown.
class CompletionShape final : public AnswerShape {
 public:
  CompletionShape(AnswerHead head, CompletionStyle style, std::vector<PlannedPrompt> prompts,
                  size_t copies_shown, std::shared_ptr<const text::Tokenizer> tokenizer);

  void open(size_t choice, Chunks& out) override;
  void delta(size_t choice, const engine::Event& event, Chunks& out) override;
  void close(size_t choice, engine::FinishReason reason, Chunks& out) override;
  std::string usage_chunk(const engine::Usage& usage) override;
  std::string whole(const std::vector<engine::Event>& choices, const engine::Usage& usage) override;

 private:
  // How far the logprobs object of a choice has come.
  struct Progress {
    int64_t characters = 0;  // text_offset of the next token
    size_t tokens_seen = 0;  // prompt tokens included, where they are echoed
  };

  const PlannedPrompt& prompt_of(size_t choice) const { return prompts_[choice / copies_shown_]; }
  Progress start(size_t choice) const;
  boost::json::object logprobs(const std::vector<engine::TokenOutput>& tokens, size_t choice,
                               Progress& progress) const;
  std::string chunk(size_t choice, std::string_view text, boost::json::value logprobs,
                    boost::json::value finish) const;
  boost::json::object envelope() const;

  const AnswerHead head_;
  const CompletionStyle style_;
  const std::vector<PlannedPrompt> prompts_;
  const size_t copies_shown_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::vector<Progress> progress_;  // of streamed choices
};

}  // namespace chasqui::api
