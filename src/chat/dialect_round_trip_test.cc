// Published templates: each is found to speak its dialect, and calls that a template writes come
// back from the parser, however the text is cut.
#include <gmock/gmock.h>

#include <algorithm>

#include "chat/chat_format.h"
#include "chat/json_value.h"
#include "chat/output_parser.h"
#include "support/golden.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

using Kind = OutputEvent::Kind;

struct Published {
  const char* file;
  const char* dialect;
  enum class Writes { kNoCalls, kOneCall, kCalls } writes;
  const char* think_close = "";
};
using enum Published::Writes;

// kNoCalls: the template shows the model no calls of its own, or cannot from what it gets (the
// sandbox refuses it, or it wants the arguments as text).
constexpr Published kPublished[] = {
    {"Apertus-8B-Instruct", "apertus", kCalls, "<|inner_suffix|>"},
    {"Apriel-1.6-15b-Thinker-fixed", "apriel", kCalls},
    {"ByteDance-Seed-OSS", "seed-oss", kCalls, "</seed:think>"},
    {"Cohere2MoE", "command-r", kCalls, "<|END_THINKING|>"},
    {"CohereForAI-c4ai-command-r7b-12-2024-tool_use", "command-r", kCalls, "<|END_THINKING|>"},
    {"GLM-4.6", "glm", kCalls, "</think>"},
    {"GLM-5.2", "glm", kCalls, "</think>"},
    {"GigaChat3-10B-A1.8B", "gigachat", kOneCall},
    {"Kimi-K2-Instruct", "kimi", kNoCalls},
    {"LFM2-8B-A1B", "lfm2", kNoCalls},
    {"MiMo-VL", "hermes", kCalls},
    {"MiniMax-M2", "minimax", kCalls, "</think>"},
    {"Mistral-Small-3.2-24B-Instruct-2506", "mistral", kCalls},
    {"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "qwen3-coder", kCalls, "</think>"},
    {"NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", "hermes", kCalls},
    {"Qwen-QwQ-32B", "hermes", kCalls, "</think>"},
    {"Qwen-Qwen3-0.6B", "hermes", kCalls, "</think>"},
    {"Qwen3-Coder", "qwen3-coder", kCalls},
    {"Reka-Edge", "hermes", kCalls, "</think>"},
    {"Spark2.5", "glm", kCalls, "</think>"},
    {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek", kNoCalls, "</think>"},
    {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "deepseek", kCalls, "</think>"},
    {"deepseek-ai-DeepSeek-V3.2", "deepseek-dsml", kCalls, "</think>"},
    {"deepseek-ai-DeepSeek-V4", "deepseek-dsml", kCalls, "</think>"},
    {"fireworks-ai-llama-3-firefunction-v2", "functools", kNoCalls},
    {"google-gemma-2-2b-it", "generic", kNoCalls},
    {"google-gemma-4-31B-it-interleaved", "gemma", kCalls, "<channel|>"},
    {"ibm-granite-granite-3.3-2B-Instruct", "granite", kNoCalls, "</think>"},
    {"ibm-granite-granite-4.1", "hermes", kCalls},
    {"inclusionai-ling-3.0-flash", "glm", kCalls, "</think>"},
    {"meetkai-functionary-medium-v3.1", "functionary-v3.1", kCalls},
    {"meta-llama-Llama-3.1-8B-Instruct", "llama-3", kOneCall},
    {"meta-llama-Llama-3.2-3B-Instruct", "llama-3", kOneCall},
    {"mistralai-Ministral-3-14B-Reasoning-2512", "mistral", kCalls, "[/THINK]"},
    {"mistralai-Mistral-Nemo-Instruct-2407", "mistral-list", kCalls},
    {"openai-gpt-oss-120b", "harmony", kOneCall},
    {"poolside-Laguna-S-2.1", "glm", kCalls, "</think>"},
    {"poolside-Laguna-XS-2.1", "glm", kCalls, "</think>"},
    {"tencent-Hy3", "hunyuan", kCalls, "</think:opensource>"},
    {"unsloth-Apriel-1.5", "apriel", kCalls},
    {"upstage-Solar-Open-100B", "solar", kCalls},
};

std::shared_ptr<const Tools> the_tools() {
  const auto schema = [](const char* text) { return json::parse(text).as_object(); };
  return std::make_shared<const Tools>(Tools{
      {"get_weather", "Weather", schema(R"({"type":"object","properties":{
          "city":{"type":"string"}}})")},
      {"look_up", "Looks up", schema(R"({"type":"object","properties":{"word":{"type":"string"},
          "limit":{"type":"integer"},"exact":{"type":"boolean"},
          "langs":{"type":"array","items":{"type":"string"}},"note":{"type":"string"}}})")}});
}

jinja::Value tool_objects(const Tools& tools) {
  json::array list;
  for (const Tool& tool : tools) {
    list.push_back({{"type", "function"},
                    {"function",
                     {{"name", tool.name},
                      {"description", tool.description},
                      {"parameters", tool.parameters}}}});
  }
  return value_from_json(list, jinja::Origin::kCaller);
}

const std::vector<ToolCall> kCallsMade = {
    {"abc123def", "get_weather", R"({"city": "Cusco"})"},
    {"xyz789uvw", "look_up",
     R"({"word": "chasqui", "limit": 3, "exact": true, "langs": ["es", "qu"],
         "note": "\"quotes\", <tags> & 'apostrophes', é 日本 🙂\n\ttab \\ }{ slash"})"}};

// What the template writes for the assistant's message with the first `count` calls.
std::string written(const ChatFormat& format, const Tools& tools, size_t count) {
  std::vector<Message> talk = {{.role = Role::kUser, .content = "Weather and chasqui?"}};
  ChatInput input{.messages = talk};
  input.tools = tool_objects(tools);
  const auto before = format.render(input);
  talk.push_back({.role = Role::kAssistant,
                  .content = "",
                  .tool_calls = {kCallsMade.begin(), kCallsMade.begin() + long(count)},
                  .null_content = true});
  input.messages = talk;
  input.add_generation_prompt = false;
  const auto after = format.render(input);
  EXPECT_TRUE(before.has_value());
  EXPECT_TRUE(after.has_value()) << after.error().message;
  if (!before || !after) return "";
  const std::string prompt = before->text();
  const std::string whole = after->text();
  const auto differ = std::ranges::mismatch(prompt, whole);
  auto at = static_cast<size_t>(differ.in2 - whole.begin());
  // Two marks may begin alike: the text begins with the whole mark.
  const size_t mark = whole.rfind('<', at);
  if (mark != std::string::npos && mark < at && whole.find('>', mark) >= at) at = mark;
  return whole.substr(at);
}

struct Read {
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments as sent
  std::string content;
  bool operator==(const Read&) const = default;
};

Read read(const OutputStyle& style, std::string_view first, std::string_view second) {
  OutputParser parser(style);
  OutputEvents events;
  parser.push(first, events);
  parser.push(second, events);
  parser.finish(events);
  Read read;
  for (const OutputEvent& event : events) {
    if (event.kind == Kind::kCallBegin) read.calls.emplace_back(event.text, "");
    if (event.kind == Kind::kArguments) read.calls.back().second += event.text;
    if (event.kind == Kind::kContent) read.content += event.text;
  }
  return read;
}

class Templates : public ::testing::Test {
 protected:
  void SetUp() override {
    golden_ = testing::golden_dir();
    if (!golden_) GTEST_SKIP() << testing::no_golden_data();
  }
  ChatFormatPtr format(const Published& row) const {
    const auto path = *golden_ / "templates" / (std::string(row.file) + ".jinja");
    auto made =
        make_chat_format("chat_template.default", {"<s>", "</s>", testing::read_file(path)});
    EXPECT_TRUE(made.has_value()) << row.file;
    return made ? *made : nullptr;
  }
  std::optional<std::filesystem::path> golden_;
};

TEST_F(Templates, SayTheirDialectAndHowTheyThink) {
  for (const Published& row : kPublished) {
    const Speech speech = format(row)->speech();
    EXPECT_EQ(speech.dialect->name, row.dialect) << row.file;
    EXPECT_EQ(speech.think.close, row.think_close) << row.file;
  }
}

void check_round_trip(const ChatFormat& format, size_t count) {
  const auto tools = the_tools();
  const std::string text = written(format, *tools, count);
  const Speech speech = format.speech();
  OutputStyle style = {speech.dialect, tools, speech.think};
  style.starts_thinking =
      !style.think.close.empty() && text.find(style.think.open) > text.find(style.think.close);
  const Read whole = read(style, text, "");
  ASSERT_EQ(whole.calls.size(), count) << text << "\nread: " << whole.content;
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(whole.calls[i].first, kCallsMade[i].name);
    EXPECT_EQ(json::parse(whole.calls[i].second), json::parse(kCallsMade[i].arguments))
        << whole.calls[i].second;
  }
  for (size_t cut = 1; cut < text.size(); ++cut) {
    ASSERT_EQ(read(style, text.substr(0, cut), text.substr(cut)), whole) << cut;
  }
}

TEST_F(Templates, WriteCallsThatComeBack) {
  for (const Published& row : kPublished) {
    SCOPED_TRACE(row.file);
    if (row.writes == kNoCalls) continue;
    check_round_trip(*format(row), row.writes == kOneCall ? 1 : 2);
  }
}

}  // namespace
}  // namespace chasqui::chat
