// Conversations with the demo model, asked of an engine as a server runs it, and timed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"
#include "chat/message.h"

namespace chasqui::bench {

struct Text {
  std::string_view name;
  std::vector<std::vector<chat::Message>> conversations;  // each ends with a question
  float temperature = 0.0f;
  int together = 1;  // conversations that are asked at once
};

// Texts that the demo model knows how to go on with, from repetition to none.
std::vector<Text> texts();

struct Measured {
  std::vector<std::string> answers;
  double seconds = 0;  // from the first token of each answer to its last, or of all when together
  int64_t tokens = 0;  // in that time
  int64_t drafted = 0;
  int64_t accepted = 0;
  int64_t steps = 0;  // of the engine, prompts included

  double tokens_per_s() const { return static_cast<double>(tokens) / seconds; }
};

class Asking {
 public:
  // `draft`: the setting draft_model. Throws when a file cannot be served.
  Asking(const std::string& model, const std::string& draft);

  Measured ask(const Text& text);

 private:
  class Answer;
  std::shared_ptr<Answer> start(const std::vector<chat::Message>& messages, const Text& text,
                                uint64_t seed);

  api::ServedModel served_;
};

}  // namespace chasqui::bench
