// The property that clients rely on: a stream put together is the whole answer, and both are what
// the stops leave of the text that the model writes. Over random texts, stop lists, ways to cut the
// work into steps, and answers full of characters of two, three and four bytes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "api/internal/test_server.h"
#include "base/rng.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using testing::Reply;
using testing::TestServer;
using testing::TestServerOptions;

// One choice, streamed or not, in the same form.
struct Answer {
  std::string text, reasoning, finish;
  bool operator==(const Answer&) const = default;
};

void PrintTo(const Answer& answer, std::ostream* out) {
  *out << answer.finish << " " << json::serialize(json::string(answer.text)) << " "
       << json::serialize(json::string(answer.reasoning));
}

struct Answers {
  std::vector<Answer> choices;
  json::value prompt_tokens, completion_tokens, details;
};

void add_text(const json::object& from, const char* key, std::string& to) {
  if (const json::value* text = from.if_contains(key); text != nullptr && text->is_string()) {
    to += text->get_string();
  }
}

// `part`: the object that holds the text, of a whole answer or of a chunk.
void add_choice(const json::object& choice, const char* part, Answers& answers) {
  Answer& answer = answers.choices.at(choice.at("index").to_number<size_t>());
  add_text(choice, "text", answer.text);
  if (const json::value* message = choice.if_contains(part)) {
    add_text(message->as_object(), "content", answer.text);
    add_text(message->as_object(), "reasoning_content", answer.reasoning);
  }
  if (!choice.at("finish_reason").is_string()) return;
  EXPECT_EQ(answer.finish, "") << "two ends";
  answer.finish = choice.at("finish_reason").as_string();
}

void set_usage(const json::value& usage, Answers& answers) {
  answers.prompt_tokens = usage.at("prompt_tokens");
  answers.completion_tokens = usage.at("completion_tokens");
  if (const json::value* details = usage.as_object().if_contains("completion_tokens_details")) {
    answers.details = *details;
  }
}

Answers whole(const TestServer& server, const char* path, const json::object& body, size_t n) {
  const Reply reply = server.post(path, body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  Answers answers = {.choices = std::vector<Answer>(n)};
  const json::value object = reply.json();
  EXPECT_EQ(object.at("choices").as_array().size(), n);
  for (const json::value& choice : object.at("choices").as_array()) {
    add_choice(choice.as_object(), "message", answers);
  }
  set_usage(object.at("usage"), answers);
  return answers;
}

Answers streamed(const TestServer& server, const char* path, json::object body, size_t n) {
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  const Reply reply = server.post(path, body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  Answers answers = {.choices = std::vector<Answer>(n)};
  const std::vector<std::string> events = reply.events();
  EXPECT_EQ(events.empty() ? "" : events.back(), "[DONE]");
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    const json::value chunk = json::parse(events[i]);  // throws where a character was cut
    for (const json::value& choice : chunk.at("choices").as_array()) {
      add_choice(choice.as_object(), "delta", answers);
    }
    if (const json::value* usage = chunk.as_object().if_contains("usage")) {
      set_usage(*usage, answers);
    }
  }
  return answers;
}

// The plain definition: the stop that begins first ends the text, and is no part of it.
Answer cut_at_stops(Answer answer, const std::vector<std::string>& stops) {
  size_t first = std::string::npos;
  for (const std::string& stop : stops) first = std::min(first, answer.text.find(stop));
  if (first == std::string::npos) return answer;
  answer.text.resize(first);
  answer.finish = "stop";
  return answer;
}

// One to four characters of what the model writes, so that most lists have a stop that comes.
std::string random_text(Rng& rng, size_t most) {
  constexpr const char* kCharacters[] = {"a", "b", "c", "d", "e", " ", "\n", "é", "日", "😀"};
  std::string text;
  for (uint64_t left = 1 + rng.below(most); left > 0; --left) {
    text += kCharacters[rng.below(std::size(kCharacters))];
  }
  return text;
}

TestServerOptions random_steps(Rng& rng) {
  TestServerOptions options;
  options.engine.max_batch_tokens = static_cast<int64_t>(1 + rng.below(40));
  options.engine.prefill_chunk = static_cast<int64_t>(1 + rng.below(20));
  options.engine.max_sequences = static_cast<int64_t>(1 + rng.below(6));
  options.engine.prefix_cache = rng.below(2) == 0;
  return options;
}

struct Round {
  const char* path = "";
  json::object body;
  size_t n = 1;
  std::vector<std::string> stops;
};

Round random_round(Rng& rng) {
  Round round;
  round.n = 1 + rng.below(3);
  for (uint64_t left = rng.below(5); left > 0; --left) round.stops.push_back(random_text(rng, 4));
  round.body = {{"max_tokens", static_cast<int64_t>(1 + rng.below(120))},
                {"n", round.n},
                {"seed", static_cast<int64_t>(rng.below(1000))},
                {"temperature", rng.below(3) == 0 ? 0.0 : 1.3},
                {"repeat_penalty", 1}};
  if (rng.below(2) == 0) round.body["ignore_eos"] = true;
  const bool chat = rng.below(2) == 0;
  round.path = chat ? "/v1/chat/completions" : "/v1/completions";
  const std::string prompt = random_text(rng, 30);
  if (chat) {
    round.body["messages"] = {json::object{{"role", "user"}, {"content", prompt}}};
    if (rng.below(3) == 0) round.body.insert({{"logprobs", true}, {"top_logprobs", 2}});
  } else {
    round.body["prompt"] = prompt;
    if (rng.below(3) == 0) round.body["logprobs"] = 2;
  }
  return round;
}

void with_stops(Round& round) {
  json::array list;
  for (const std::string& stop : round.stops) list.emplace_back(stop);
  round.body["stop"] = std::move(list);
}

TEST(SameAnswer, StreamedWholeAndByDefinition) {
  Rng rng(2026);
  int stopped = 0, full = 0;
  for (int server_index = 0; server_index < 12; ++server_index) {
    const TestServer server(random_steps(rng));
    for (int i = 0; i < 15; ++i) {
      Round round = random_round(rng);
      const Answers free = whole(server, round.path, round.body, round.n);
      with_stops(round);
      const Answers once = whole(server, round.path, round.body, round.n);
      const Answers stream = streamed(server, round.path, round.body, round.n);
      SCOPED_TRACE(json::serialize(round.body));
      EXPECT_EQ(stream.choices, once.choices);
      EXPECT_EQ(stream.completion_tokens, once.completion_tokens);
      EXPECT_EQ(stream.prompt_tokens, once.prompt_tokens);
      for (size_t choice = 0; choice < round.n; ++choice) {
        EXPECT_EQ(once.choices[choice], cut_at_stops(free.choices[choice], round.stops));
        stopped += once.choices[choice].text != free.choices[choice].text ? 1 : 0;
        full += once.choices[choice].finish == "length" ? 1 : 0;
      }
    }
  }
  EXPECT_GT(stopped, 50);
  EXPECT_GT(full, 50);
}

// What is put around the answer is the same too.
TEST(SameAnswer, WithEchoAndSuffix) {
  const TestServer server;
  Rng rng(7);
  for (int i = 0; i < 20; ++i) {
    Round round = random_round(rng);
    round.body.erase("messages");
    round.body.erase("logprobs");
    round.body.erase("top_logprobs");
    round.body.insert({{"prompt", random_text(rng, 9)}, {"echo", true}, {"suffix", "日<end>"}});
    with_stops(round);
    const Answers once = whole(server, "/v1/completions", round.body, round.n);
    EXPECT_EQ(streamed(server, "/v1/completions", round.body, round.n).choices, once.choices);
    EXPECT_TRUE(once.choices[0].text.ends_with("日<end>"));
  }
}

// The prompt has opened the thoughts, so all that this model writes is one.
TEST(SameAnswer, WithThoughts) {
  TestServerOptions options;
  options.chat_template =
      "{% for m in messages %}{{ m.content }}{% endfor %}<think>{# closed by </think> #}";
  const TestServer server(options);
  Rng rng(11);
  for (int i = 0; i < 30; ++i) {
    Round round = random_round(rng);
    round.body.erase("prompt");
    round.body.erase("logprobs");
    round.body.erase("top_logprobs");
    round.body["messages"] = {json::object{{"role", "user"}, {"content", random_text(rng, 9)}}};
    with_stops(round);
    const Answers once = whole(server, "/v1/chat/completions", round.body, round.n);
    const Answers stream = streamed(server, "/v1/chat/completions", round.body, round.n);
    SCOPED_TRACE(json::serialize(round.body));
    EXPECT_EQ(stream.choices, once.choices);
    EXPECT_EQ(stream.details, once.details);
    EXPECT_TRUE(once.details.is_object());
  }
}

}  // namespace
}  // namespace chasqui::api
