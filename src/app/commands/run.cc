// chasqui run: one question, or a conversation in the terminal, without a server.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <iostream>
#include <iterator>
#include <mutex>
#include <optional>

#include "app/commands/command.h"
#include "app/serving_model.h"
#include "base/clock.h"
#include "chat/prompt_encoder.h"

namespace chasqui::app {
namespace {

struct RunArgs {
  std::string model;
  std::string prompt;
  std::string system;
  int64_t max_tokens = 0;
  double temperature = 0.8;
  bool stats = false;
  std::shared_ptr<SettingOptions> settings;
};

// An event and when the engine gave it: the terminal's thread may get to see it much later.
struct TimedEvent {
  engine::Event event;
  Instant at;
};

// Events of one answer, handed from the engine's thread to the terminal's.
class EventQueue final : public engine::EventSink {
 public:
  void on_event(engine::Event event) override {
    const Instant now = Clock().now();
    {
      const std::lock_guard lock(mutex_);
      events_.push_back({std::move(event), now});
    }
    arrived_.notify_one();
  }

  // nullopt when nothing came for a tenth of a second, so that Ctrl-C is seen.
  std::optional<TimedEvent> next() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, std::chrono::milliseconds(100),
                           [this] { return !events_.empty(); })) {
      return std::nullopt;
    }
    TimedEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<TimedEvent> events_;  // guarded by mutex_
};

// Set by Ctrl-C; a signal handler may touch nothing else.
std::atomic<bool> interrupted{false};

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted.store(true); };
  sigaction(SIGINT, &action, nullptr);  // without SA_RESTART: reading a line ends too
}

struct Speed {
  double first_token_seconds = 0;
  double total_seconds = 0;
  engine::Usage usage;

  void print() const {
    const auto tokens = static_cast<double>(usage.completion_tokens);
    const double decoding = total_seconds - first_token_seconds;
    const double rate = tokens > 1 && decoding > 0 ? (tokens - 1) / decoding : 0;
    fmt::print(stderr,
               "[{} prompt tokens ({} cached), first token after {:.0f} ms; {} tokens, "
               "{:.1f} tokens/s]\n",
               usage.prompt_tokens, usage.cached_prompt_tokens, first_token_seconds * 1e3,
               usage.completion_tokens, rate);
  }
};

class Conversation {
 public:
  Conversation(api::ServedModel& model, const RunArgs& args)
      : model_(model), encoder_(model.tokenizer), args_(args) {
    if (!args.system.empty())
      messages_.push_back({.role = chat::Role::kSystem, .content = args.system});
  }

  // Prints the answer to `text` while it comes. Ctrl-C ends the answer: kCancelled, but what was
  // said stays said. kContextLength: the context has no room for `text`, which is forgotten.
  Status ask(std::string text) {
    messages_.push_back({.role = chat::Role::kUser, .content = std::move(text)});
    Result<engine::Request> prepared = make_request();
    if (!prepared) {
      messages_.pop_back();
      return fail(prepared.error());
    }
    engine::Request request = std::move(*prepared);
    auto queue = std::make_shared<EventQueue>();
    request.sink = queue;
    const Instant begin = Clock().now();
    CHASQUI_TRY(const engine::RequestId id, model_.engine->submit(std::move(request)));
    return print_answer(id, *queue, begin);
  }

  // Forgets all questions and answers, or the older half of them; the system message stays.
  void begin_anew() { messages_.resize(first_turn()); }
  void forget_half() {
    const size_t turns = (messages_.size() - first_turn()) / 2;
    const auto first = messages_.begin() + static_cast<std::ptrdiff_t>(first_turn());
    messages_.erase(first, first + static_cast<std::ptrdiff_t>(2 * ((turns + 1) / 2)));
  }

 private:
  size_t first_turn() const { return args_.system.empty() ? 0 : 1; }

  Result<engine::Request> make_request() const {
    CHASQUI_TRY(const chat::Prompt prompt, model_.chat_format->render({.messages = messages_}));
    engine::Request request;
    request.prompt = encoder_.encode(prompt.parts);
    request.stops = prompt.stops;
    request.sampling.temperature = static_cast<float>(args_.temperature);
    request.sampling.seed = model_.default_seed;
    const int64_t room =
        model_.engine->options().n_ctx - static_cast<int64_t>(request.prompt.size());
    if (room < 1) {
      return fail(ErrorCode::kContextLength,
                  fmt::format("the conversation has {} tokens; the context holds {} (--n_ctx)",
                              request.prompt.size(), model_.engine->options().n_ctx));
    }
    request.max_tokens = args_.max_tokens > 0 ? std::min(args_.max_tokens, room) : room;
    return request;
  }

  Status print_answer(engine::RequestId id, EventQueue& queue, Instant begin) {
    Speed speed;
    std::string answer;
    std::optional<engine::FinishReason> finish;
    for (;;) {
      if (interrupted.exchange(false)) model_.engine->cancel(id);
      const auto next = queue.next();
      if (!next) continue;
      const engine::Event& event = next->event;
      if (event.error) return fail(*event.error);
      const double seconds = seconds_between(begin, next->at);
      if (speed.first_token_seconds == 0) speed.first_token_seconds = seconds;
      answer += event.text;
      fmt::print("{}", event.text);
      std::fflush(stdout);
      if (!event.finish) continue;
      finish = event.finish;
      speed.total_seconds = seconds;
      speed.usage = event.usage;
      break;
    }
    fmt::print("\n");
    std::fflush(stdout);
    if (args_.stats) speed.print();
    messages_.push_back({.role = chat::Role::kAssistant, .content = std::move(answer)});
    if (finish == engine::FinishReason::kCancelled) {
      return fail(ErrorCode::kCancelled, "interrupted");
    }
    const int64_t used = speed.usage.prompt_tokens + speed.usage.completion_tokens;
    if (finish == engine::FinishReason::kLength && used >= model_.engine->options().n_ctx) {
      fmt::print(stderr, "[the answer was cut: the context of {} tokens is full (--n_ctx)]\n",
                 model_.engine->options().n_ctx);
    }
    return {};
  }

  api::ServedModel& model_;
  chat::PromptEncoder encoder_;
  const RunArgs& args_;
  std::vector<chat::Message> messages_;
};

// A full context or Ctrl-C ends the answer, but not the conversation.
Status ask_in_terminal(Conversation& conversation, std::string line) {
  const Status asked = conversation.ask(std::move(line));
  if (asked || asked.error().code == ErrorCode::kCancelled) return {};
  if (asked.error().code != ErrorCode::kContextLength) return asked;
  fmt::print(stderr, "[{}. /half forgets its older half, /new all of it; then ask again]\n",
             asked.error().message);
  return {};
}

Status chat_in_terminal(Conversation& conversation) {
  fmt::print(stderr,
             "Type a message and Enter; Ctrl-C ends an answer, Ctrl-D the conversation.\n"
             "/half forgets the older half of the conversation, /new all of it.\n");
  for (;;) {
    fmt::print("> ");
    std::fflush(stdout);
    std::string line;
    if (!std::getline(std::cin, line)) break;
    if (line.empty()) continue;
    if (line == "/new") {
      conversation.begin_anew();
    } else if (line == "/half") {
      conversation.forget_half();
    } else {
      CHASQUI_TRY_STATUS(ask_in_terminal(conversation, std::move(line)));
    }
  }
  fmt::print("\n");
  return {};
}

Status run(RunArgs& args) {
  CHASQUI_TRY(const Settings settings, args.settings->resolve());
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  CHASQUI_TRY(api::ServedModel model, start_serving(args.model, settings));
  Conversation conversation(model, args);
  catch_interrupts();
  if (!args.prompt.empty()) return conversation.ask(args.prompt);
  if (terminal) {
    args.stats = true;
    return chat_in_terminal(conversation);
  }
  // A pipe: all of it is one question.
  std::string question{std::istreambuf_iterator<char>(std::cin), {}};
  if (question.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "no question: standard input is empty, and no PROMPT was given");
  }
  return conversation.ask(std::move(question));
}

}  // namespace

Action declare_run(CLI::App& parser) {
  auto args = std::make_shared<RunArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  parser.add_option("PROMPT", args->prompt,
                    "the question; without it, a conversation (or standard input, if a pipe)");
  parser.add_option("--system", args->system, "system message");
  parser
      .add_option("--max-tokens,--max_tokens", args->max_tokens,
                  "most tokens of an answer; 0: what fits")
      ->check(CLI::Range(0, 1 << 24));
  parser.add_option("--temperature", args->temperature, "0: always the likeliest token")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  parser.add_flag("--stats", args->stats, "print the speed after each answer");
  auto settings = compute_settings();
  settings.insert(settings.begin(), {"n_ctx", "n_batch", "chat_format", "seed"});
  args->settings = SettingOptions::add(parser, settings);
  return [args] { return run(*args); };
}

}  // namespace chasqui::app
