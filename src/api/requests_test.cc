// What single request fields do, seen from outside: filling in the middle, reasoning_effort, usage,
// caps on what multiplies work, and streams that the next request interrupts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "api/internal/infill.h"
#include "api/internal/test_server.h"
#include "api/internal/thought_counter.h"
#include "support/tiny_tokenizer.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using chasqui::testing::TinyVocab;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Reply;
using testing::TestServer;
using testing::TestServerOptions;

json::array messages(std::string_view content) {
  return {json::object{{"role", "user"}, {"content", content}}};
}

int64_t prompt_tokens(const Reply& reply) {
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.json().at("usage").at("prompt_tokens").as_int64();
}

int64_t cached_tokens(const Reply& reply) {
  EXPECT_EQ(reply.status, 200) << reply.body;
  const json::value usage = reply.json().at("usage");
  return usage.at("prompt_tokens_details").at("cached_tokens").as_int64();
}

ServedModel infill_model() {
  ServedModel model;
  model.tokenizer = chasqui::testing::tiny_tokenizer({.infill_tokens = true});
  return model;
}

TEST(Infill, PrefixSuffixMiddle) {
  const ModelContext context(infill_model());
  ASSERT_TRUE(can_infill(context.model().tokenizer->vocab()));
  EXPECT_THAT(infill_prompt(context, {"ab", {}, false}, "c"),
              ElementsAre(TinyVocab::kBos, TinyVocab::kFimPrefix, 'a', 'b', TinyVocab::kFimSuffix,
                          'c', TinyVocab::kFimMiddle));
  EXPECT_THAT(infill_prompt(context, {"", {97, 98}, true}, "c"),
              ElementsAre(TinyVocab::kBos, TinyVocab::kFimPrefix, 97, 98, TinyVocab::kFimSuffix,
                          'c', TinyVocab::kFimMiddle));
  // A file that spells a control token is only a file.
  EXPECT_EQ(infill_prompt(context, {"", {}, false}, "<|fim_middle|>").size(), 4u + 14u);
}

TEST(Infill, TheSuffixIsReadAndNotShown) {
  TestServerOptions options;
  options.infill_tokens = true;
  const TestServer server(options);
  json::object body = {
      {"prompt", "ab"}, {"suffix", "cd"}, {"max_tokens", 3}, {"ignore_eos", true}, {"echo", true}};
  for (const bool stream : {false, true}) {
    body["stream"] = stream;
    const Reply reply = server.post("/v1/completions", body);
    EXPECT_THAT(reply.body, Not(HasSubstr("cd\""))) << reply.body;
  }
  body["stream"] = false;
  EXPECT_EQ(prompt_tokens(server.post("/v1/completions", body)), 1 + 1 + 2 + 1 + 2 + 1);
  body["logprobs"] = 1;
  const Reply scored = server.post("/v1/completions", body);
  EXPECT_EQ(scored.status, 400);
  EXPECT_EQ(scored.json().at("error").at("param"), "echo");
  body["suffix"] = std::string(300, 'x');
  body.erase("logprobs");
  const Reply full = server.post("/v1/completions", body);
  EXPECT_EQ(full.json().at("error").at("code"), "context_length_exceeded") << full.body;
}

// Models without the tokens get the suffix behind the answer, as the replaced server put it.
TEST(Infill, OtherModelsShowIt) {
  const TestServer server;
  const Reply reply =
      server.post("/v1/completions", {{"prompt", "ab"}, {"suffix", "cd"}, {"max_tokens", 3}});
  EXPECT_TRUE(reply.json().at("choices").at(0).at("text").as_string().ends_with("cd"));
  EXPECT_EQ(prompt_tokens(reply), 3);
}

// The template shows what it was told in the length of its prompt.
TestServerOptions with_efforts() {
  TestServerOptions options;
  options.chat_template =
      "{% if enable_thinking is defined and not enable_thinking %}0123456789{% endif %}"
      "{% if thinking is defined and not thinking %}01234567890123456789{% endif %}"
      "{{ reasoning_effort | default('') }}{{ messages[0].content }}";
  return options;
}

TEST(ReasoningEffort, ReachesTheTemplate) {
  const TestServer server(with_efforts());
  const auto length = [&](json::object more) {
    more.insert({{"messages", messages("x")}, {"max_tokens", 1}});
    return prompt_tokens(server.post("/v1/chat/completions", more)) - 2;  // BOS and "x"
  };
  EXPECT_EQ(length({}), 0);
  EXPECT_EQ(length({{"reasoning_effort", nullptr}}), 0);
  EXPECT_EQ(length({{"reasoning_effort", "high"}}), 4);
  EXPECT_EQ(length({{"reasoning_effort", "minimal"}}), 7);
  EXPECT_EQ(length({{"reasoning_effort", "none"}}), 4 + 30);
  // Who names a variable means it, in whatever order the fields come.
  EXPECT_EQ(
      length({{"chat_template_kwargs", {{"enable_thinking", true}}}, {"reasoning_effort", "none"}}),
      4 + 20);
}

TEST(ReasoningEffort, OtherWordsAreRefused) {
  const TestServer server;
  for (const json::value& bad : {json::value("hard"), json::value(1), json::value("")}) {
    const Reply reply = server.post("/v1/chat/completions",
                                    {{"messages", messages("x")}, {"reasoning_effort", bad}});
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.json().at("error").at("param"), "reasoning_effort");
  }
}

TEST(TemplateVariables, OfTheServerGiveWayToThoseOfTheRequest) {
  TestServerOptions options = with_efforts();
  options.adjust = [](ServedModel& model) {
    model.template_variables = {{"enable_thinking", jinja::Value::boolean(false)}};
  };
  const TestServer server(options);
  json::object body = {{"messages", messages("x")}, {"max_tokens", 1}};
  EXPECT_EQ(prompt_tokens(server.post("/v1/chat/completions", body)), 12);
  body["chat_template_kwargs"] = {{"enable_thinking", true}};
  EXPECT_EQ(prompt_tokens(server.post("/v1/chat/completions", body)), 2);
}

TEST(Usage, TellsWhatWasCachedBefore) {
  const TestServer server;
  const json::object body = {{"prompt", std::string(100, 'x')}, {"n", 3}, {"max_tokens", 2}};
  // Two of the three copies find what the first has computed, but nothing was there before.
  EXPECT_EQ(cached_tokens(server.post("/v1/completions", body)), 0);
  const int64_t again = cached_tokens(server.post("/v1/completions", body));
  EXPECT_GE(again, 90);
  EXPECT_LE(again, 101);
  const json::object chat = {{"messages", messages("hello")}, {"max_tokens", 2}};
  EXPECT_EQ(cached_tokens(server.post("/v1/chat/completions", chat)), 1);  // the BOS
  EXPECT_GT(cached_tokens(server.post("/v1/chat/completions", chat)), 10);
}

TEST(Usage, CopiesOfAPromptShareItsPrefill) {
  const TestServer server;
  const Reply reply = server.post(
      "/v1/completions", {{"prompt", std::string(150, 'y')}, {"n", 16}, {"max_tokens", 1}});
  EXPECT_EQ(prompt_tokens(reply), 151);
  EXPECT_EQ(reply.json().at("choices").as_array().size(), 16u);
  // Each copy computes the last position for itself, and what a block cannot share.
  EXPECT_LT(const_cast<TestServer&>(server).engine().stats().prompt_tokens, 151 + 16 * 16);
}

TEST(Usage, CountsThoughts) {
  chat::OutputStyle style;
  style.think = {"<think>", "</think>"};
  const auto count = [&style](std::initializer_list<const char*> texts) {
    ThoughtCounter counter(style);
    for (const char* text : texts) {
      const engine::TokenOutput token = {.token = 0, .text = text};
      counter.push({&token, 1});
    }
    return counter.count();
  };
  EXPECT_EQ(count({"<think>", "a ", "b", "</think>", "\n\n", "hi", " you"}), 5);
  EXPECT_EQ(count({"<thi", "nk>", "a", "</", "think>", "b"}), 5);
  EXPECT_EQ(count({"<", "b>", " c"}), 0);
  EXPECT_EQ(count({"<think>", "a", "b"}), 3);
  EXPECT_EQ(count({"hi"}), 0);
  style.starts_thinking = true;
  EXPECT_EQ(count({"a", "b", "</think>", "c"}), 3);
  EXPECT_EQ(count({"a", "b</think>c", "d"}), 2);
}

TEST(Caps, HoldWhatCopiesMultiply) {
  TestServerOptions options;
  options.engine.n_ctx = 100000;
  options.engine.max_queue = 1000;
  const TestServer server(options);
  const auto param = [&](const char* path, const json::object& body) {
    const Reply reply = server.post(path, body);
    EXPECT_EQ(reply.status, 400) << reply.body.substr(0, 200);
    return std::string(reply.json().at("error").at("param").as_string());
  };
  EXPECT_EQ(param("/v1/completions",
                  {{"prompt", "x"}, {"n", 128}, {"max_tokens", 10000}, {"logprobs", 5}}),
            "n");
  EXPECT_EQ(
      param("/v1/chat/completions", {{"messages", messages("x")}, {"n", 20}, {"logprobs", true}}),
      "n");
  EXPECT_EQ(
      param("/v1/completions", {{"prompt", "x"}, {"n", 128}, {"suffix", std::string(40000, 's')}}),
      "suffix");
}

// A stream that runs until it is interrupted; before_forward keeps it from filling its context.
TestServerOptions slow_steps(bool interrupt) {
  TestServerOptions options;
  options.engine.n_ctx = 100000;
  options.before_forward = [] { std::this_thread::sleep_for(std::chrono::microseconds(500)); };
  options.adjust = [interrupt](ServedModel& model) { model.interrupt_streams = interrupt; };
  return options;
}

TEST(Interrupt, TheNextRequestEndsStreamsWithAFinishChunk) {
  TestServer server(slow_steps(true));
  const json::object endless = {{"prompt", "x"},
                                {"messages", messages("x")},
                                {"stream", true},
                                {"max_tokens", 60000},
                                {"ignore_eos", true},
                                {"stop", json::array{}},
                                {"temperature", 0},
                                {"n", 2},
                                {"stream_options", {{"include_usage", true}}}};
  for (const char* path : {"/v1/completions", "/v1/chat/completions"}) {
    for (const char* next : {"/v1/completions", "/v1/chat/completions", "/v1/embeddings"}) {
      auto stream = server.open(path, endless);
      EXPECT_THAT(stream.read_some(), HasSubstr("200 OK"));
      server.wait_until([&] { return server.engine().stats().running == 2; });
      const Reply reply = server.post(
          next, {{"prompt", "y"}, {"messages", messages("y")}, {"input", "y"}, {"max_tokens", 2}});
      EXPECT_EQ(reply.status, 200) << reply.body;
      const std::string rest = stream.read_all();
      EXPECT_THAT(rest, HasSubstr("\"finish_reason\":\"length\""));
      EXPECT_THAT(rest, HasSubstr("\"completion_tokens\""));
      EXPECT_THAT(rest, HasSubstr("data: [DONE]"));
      EXPECT_THAT(rest, Not(HasSubstr("\"error\"")));
    }
  }
  EXPECT_LT(server.engine().stats().completion_tokens, 100000);
}

TEST(Interrupt, WholeAnswersAndRefusedRequestsAreLeftAlone) {
  TestServer server(slow_steps(true));
  auto whole =
      server.open("/v1/completions", {{"prompt", "x"}, {"max_tokens", 200}, {"ignore_eos", true}});
  server.wait_until([&] { return server.engine().stats().running == 1; });
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "y"}, {"max_tokens", 1}}).status, 200);
  EXPECT_THAT(whole.read_all(), HasSubstr("\"completion_tokens\":200"));
  auto stream = server.open("/v1/completions", {{"prompt", "x"},
                                                {"stream", true},
                                                {"max_tokens", 200},
                                                {"ignore_eos", true},
                                                {"stream_options", {{"include_usage", true}}}});
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "y"}, {"n", 0}}).status, 400);
  EXPECT_THAT(stream.read_all(), HasSubstr("\"completion_tokens\":200"));
}

TEST(Interrupt, IsOffUnlessAskedFor) {
  TestServer server(slow_steps(false));
  auto stream = server.open("/v1/completions", {{"prompt", "x"},
                                                {"stream", true},
                                                {"max_tokens", 200},
                                                {"ignore_eos", true},
                                                {"stream_options", {{"include_usage", true}}}});
  server.wait_until([&] { return server.engine().stats().running == 1; });
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "y"}, {"max_tokens", 1}}).status, 200);
  EXPECT_THAT(stream.read_all(), HasSubstr("\"completion_tokens\":200"));
}

}  // namespace
}  // namespace chasqui::api
