// Conversations with the demo model, asked of an engine as a server runs it, and timed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/chat_format.h"
#include "chat/message.h"
#include "engine/engine.h"
#include "text/tokenizer.h"

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

// The model that answers, loaded once for all ways of guessing: two copies in memory of a machine
// that is shared with others can differ in speed by a third.
struct Target {
  // Throws when the file cannot be loaded.
  explicit Target(const std::string& path);

  std::shared_ptr<const text::Tokenizer> tokenizer;
  chat::ChatFormatPtr format;
  std::shared_ptr<engine::ModelRunner> runner;
};

class Asking {
 public:
  // An engine on the target's model and cache: only one Asking may live at a time.
  // `draft`: the setting draft_model. Throws when the file cannot be loaded.
  Asking(const Target& target, const std::string& draft);

  Measured ask(const Text& text);

 private:
  class Answer;
  std::shared_ptr<Answer> start(const std::vector<chat::Message>& messages, const Text& text,
                                uint64_t seed);

  const Target& target_;
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace chasqui::bench
