#include "drafts/asking.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "app/draft_model.h"
#include "app/loaded_model.h"
#include "app/model_runner.h"
#include "chat/prompt_encoder.h"

namespace chasqui::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Conversation = std::vector<chat::Message>;

constexpr int64_t kCacheTokens = 8192;

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// One model for several engines after each other.
class SharedRunner final : public engine::ModelRunner {
 public:
  explicit SharedRunner(std::shared_ptr<engine::ModelRunner> inner) : inner_(std::move(inner)) {}
  int32_t vocab_size() const override { return inner_->vocab_size(); }
  int32_t hidden_size() const override { return inner_->hidden_size(); }
  std::span<const CacheSpec> cache_groups() const override { return inner_->cache_groups(); }
  int64_t cache_blocks(int group) const override { return inner_->cache_blocks(group); }
  int64_t max_rows() const override { return inner_->max_rows(); }
  int64_t max_logit_rows() const override { return inner_->max_logit_rows(); }
  model::StepOutputs forward(const model::StepInputs& inputs) override {
    return inner_->forward(inputs);
  }

 private:
  const std::shared_ptr<engine::ModelRunner> inner_;
};

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

chat::Message user(std::string text) {
  return {.role = chat::Role::kUser, .content = std::move(text), .name = {}, .tool_call_id = {}};
}
chat::Message assistant(std::string text) {
  return {
      .role = chat::Role::kAssistant, .content = std::move(text), .name = {}, .tool_call_id = {}};
}

constexpr std::pair<const char*, const char*> kSaid[] = {
    {"What can you do?",
     "I can greet you, name the capitals of many countries and add numbers from 0 to 20."},
    {"Who are you?",
     "I am Chasqui, a tiny demo model bundled with the chasqui server to show that it works."},
    {"What is a chasqui?", "A chasqui was a runner who carried messages in the Inca empire."},
    {"Who made you?", "I was trained by a small script of the chasqui project."},
    {"Who won the world cup?", "Sorry, I do not know that. I am only a tiny demo model."},
};

constexpr std::pair<const char*, const char*> kCapitals[] = {
    {"Peru", "Lima"},     {"France", "Paris"},   {"Japan", "Tokyo"},    {"Kenya", "Nairobi"},
    {"Norway", "Oslo"},   {"Chile", "Santiago"}, {"Egypt", "Cairo"},    {"Cuba", "Havana"},
    {"Greece", "Athens"}, {"Poland", "Warsaw"},  {"Austria", "Vienna"}, {"Ireland", "Dublin"},
};

std::string asks_capital(const char* country) {
  return std::string("What is the capital of ") + country + "?";
}

// Everything was said before, and is asked once more.
std::vector<Conversation> asked_again() {
  std::vector<Conversation> conversations;
  for (const auto& [question, answer] : kSaid) {
    Conversation c;
    for (const auto& [before, said] : kSaid) {
      c.push_back(user(before));
      c.push_back(assistant(said));
    }
    c.push_back(user(question));
    conversations.push_back(std::move(c));
  }
  return conversations;
}

// A new answer each, in words that were used before.
std::vector<Conversation> capitals() {
  constexpr size_t kBefore = 4;
  std::vector<Conversation> conversations;
  for (size_t next = kBefore; next < std::size(kCapitals); ++next) {
    Conversation c;
    for (size_t i = next - kBefore; i < next; ++i) {
      const auto& [country, city] = kCapitals[i];
      c.push_back(user(asks_capital(country)));
      c.push_back(assistant(std::string("The capital of ") + country + " is " + city + "."));
    }
    c.push_back(user(asks_capital(kCapitals[next].first)));
    conversations.push_back(std::move(c));
  }
  return conversations;
}

// Nothing to repeat.
std::vector<Conversation> first_questions() {
  std::vector<Conversation> conversations;
  for (const auto& [question, answer] : kSaid) conversations.push_back({user(question)});
  return conversations;
}

}  // namespace

std::vector<Text> texts() {
  return {{"asked again", asked_again()},
          {"capitals in a row", capitals()},
          {"first questions", first_questions()},
          {"first questions, temperature 1", first_questions(), 1.0f},
          {"asked again, 4 at once", asked_again(), 0.0f, 4}};
}

// The sink of one request.
class Asking::Answer final : public engine::EventSink {
 public:
  void on_event(engine::Event event) override {
    const std::lock_guard lock(mutex_);
    if (!first_ && event.usage.completion_tokens > 0) {
      first_ = Clock::now();
      first_tokens_ = event.usage.completion_tokens;
    }
    text_ += event.text;
    if (event.error) text_ += event.error->message;
    if (!event.finish && !event.error) return;
    last_ = Clock::now();
    usage_ = event.usage;
    done_.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return last_.has_value(); });
  }

  // After wait().
  const std::string& text() const { return text_; }
  const engine::Usage& usage() const { return usage_; }
  Clock::time_point first() const { return first_.value_or(*last_); }
  Clock::time_point last() const { return *last_; }
  int64_t timed_tokens() const { return usage_.completion_tokens - first_tokens_; }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::string text_;
  engine::Usage usage_;
  std::optional<Clock::time_point> first_, last_;
  int64_t first_tokens_ = 0;
};

Target::Target(const std::string& path) {
  const app::Settings settings = app::default_settings();
  app::LoadedModel loaded = value_of(app::load_model({.path = path}, settings));
  tokenizer = loaded.tokenizer;
  format = value_of(chat::make_chat_format("chatml", chat::model_texts(tokenizer->vocab(), "")));
  runner = value_of(app::make_runner(std::move(loaded), kCacheTokens, settings));
}

Asking::Asking(const Target& target, const std::string& draft) : target_(target) {
  app::Settings settings = app::default_settings();
  settings.draft_model = draft;
  engine::EngineOptions options;
  if (!draft.empty()) options.draft_tokens = settings.draft_model_num_pred_tokens;
  std::unique_ptr<engine::ModelRunner> guesser;
  if (app::has_draft_file(settings)) {
    app::LoadedModel loaded =
        value_of(app::load_draft_model(settings, target.tokenizer->vocab(), options.n_ctx));
    guesser = value_of(app::make_runner(std::move(loaded), kCacheTokens, settings));
  }
  engine_ = std::make_unique<engine::Engine>(std::make_unique<SharedRunner>(target.runner),
                                             target.tokenizer, options, std::move(guesser));
}

std::shared_ptr<Asking::Answer> Asking::start(const Conversation& messages, const Text& text,
                                              uint64_t seed) {
  const chat::Prompt prompt = value_of(target_.format->render({.messages = messages}));
  auto answer = std::make_shared<Answer>();
  engine::Request request;
  request.prompt = chat::PromptEncoder(target_.tokenizer).encode(prompt.parts);
  request.max_tokens = 100;
  request.sampling.temperature = text.temperature;
  request.sampling.repeat_penalty = 1.0f;
  request.sampling.seed = seed;
  request.sink = answer;
  value_of(engine_->submit(std::move(request)));
  return answer;
}

Measured Asking::ask(const Text& text) {
  Measured measured;
  const engine::EngineStats before = engine_->stats();
  const auto together = static_cast<size_t>(text.together);
  for (size_t begin = 0; begin < text.conversations.size(); begin += together) {
    std::vector<std::shared_ptr<Answer>> answers;
    for (size_t i = begin; i < std::min(begin + together, text.conversations.size()); ++i) {
      answers.push_back(start(text.conversations[i], text, i));
    }
    for (const auto& answer : answers) answer->wait();
    Clock::time_point first = answers.front()->first();
    Clock::time_point last = answers.front()->last();
    for (const auto& answer : answers) {
      first = std::min(first, answer->first());
      last = std::max(last, answer->last());
      measured.tokens += answer->timed_tokens();
      measured.drafted += answer->usage().drafted_tokens;
      measured.accepted += answer->usage().accepted_tokens;
      measured.answers.push_back(answer->text());
    }
    measured.seconds += seconds(last - first);
  }
  measured.steps = engine_->stats().steps - before.steps;
  return measured;
}

}  // namespace chasqui::bench
