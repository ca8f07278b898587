// Every dialect, with the text cut into random pieces: the events joined are always the same.
#include "chat/output_parser.h"

#include <gmock/gmock.h>

#include "base/rng.h"
#include "chat/generic_tools.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

using Kind = OutputEvent::Kind;

std::shared_ptr<const Tools> some_tools() {
  const json::object schema = json::parse(R"({"type":"object","properties":{
      "s":{"type":"string"},"n":{"type":"integer"},"o":{"type":"object"}}})")
                                  .as_object();
  return std::make_shared<const Tools>(Tools{{"get_it", "Gets it", schema}, {"put-2", "", schema}});
}

const ToolDialect& dialect(std::string_view name) {
  for (const ToolDialect& row : tool_dialects()) {
    if (row.name == name) return row;
  }
  return tool_dialects().back();
}

std::string shown(const OutputEvents& events) {
  std::string out;
  for (const OutputEvent& event : events) {
    switch (event.kind) {
      case Kind::kContent:
        out += event.text;
        break;
      case Kind::kReasoning:
        out += "?" + event.text;
        break;
      case Kind::kCallBegin:
        out += "(" + event.text + " ";
        break;
      case Kind::kArguments:
        out += event.text;
        break;
      case Kind::kCallEnd:
        out += ")";
        break;
    }
  }
  return out;
}

// What parses `text`, whole and in pieces; fails the test where the two differ.
std::string parsed(const OutputStyle& style, std::string_view text) {
  std::string whole;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    OutputParser parser(style);
    std::string joined;
    OutputEvents all;
    for (size_t at = 0; at < text.size();) {
      const size_t size = seed == 0 ? text.size() : 1 + rng.next() % 9;
      parser.push(text.substr(at, size), all);
      at += size;
    }
    parser.finish(all);
    joined = shown(all);
    if (seed == 0) whole = joined;
    EXPECT_EQ(joined, whole) << "cut by seed " << seed << ": " << text;
  }
  return whole;
}

OutputStyle style_of(std::string_view name) {
  return {.dialect = &dialect(name), .tools = some_tools()};
}

struct Sample {
  const char* dialect;
  const char* text;
  const char* shown;
};

constexpr Sample kSamples[] = {
    {"hermes",
     "Sure.\n<tool_call>\n{\"name\": \"get_it\", \"arguments\": {\"s\": \"a}\"}}\n</tool_call>",
     "Sure.(get_it {\"s\": \"a}\"})"},
    {"hermes",
     "<tool_call>{\"arguments\": {\"n\": [1]}, \"name\": \"get_it\"}</tool_call>\n<tool_call>"
     "{\"name\": \"put-2\"}</tool_call>\n",
     "(get_it {\"n\": [1]})(put-2 {})"},
    {"hermes", "<tool_call>{\"name\": \"get_it\", \"arguments\": \"{\\\"n\\\":1}\"}",
     "(get_it {\"n\":1})"},
    {"hermes", "<tool_call>{\"name\": \"nobody\", \"arguments\": {}}</tool_call>",
     "<tool_call>{\"name\": \"nobody\", \"arguments\": {}}</tool_call>"},
    {"hermes", "a <tool_call>b <tool_call> {c", "a <tool_call>b <tool_call> {c"},
    {"hermes", "<tool_call><tool_call>{\"name\":\"get_it\"}</tool_call> x",
     "<tool_call>(get_it {})x"},
    {"hermes", "<tool_call>{\"name\":\"get_it\",\"arguments\":{\"a\":nope}}",
     "(get_it {\"a\":n)ope}}"},
    {"hermes", "{\"name\": \"get_it\"}", "{\"name\": \"get_it\"}"},
    {"generic", "\n {\"name\": \"get_it\", \"arguments\": {}}", "(get_it {})"},
    {"generic", " {\"name\": 5} <tool_ca", " {\"name\": 5} <tool_ca"},
    {"llama-3", "{\"name\": \"get_it\", \"parameters\": {\"n\": 1}}; {\"name\": \"put-2\"}",
     "(get_it {\"n\": 1})(put-2 {})"},
    {"llama-3", "<|python_tag|>{\"type\": \"function\", \"name\": \"get_it\", \"parameters\": {}}",
     "(get_it {})"},
    {"llama-3", "Use {\"name\": \"get_it\"}", "Use {\"name\": \"get_it\"}"},
    {"mistral-list",
     "[TOOL_CALLS] [{\"name\": \"get_it\", \"arguments\": {\"n\": 1}, \"id\": \"abc\"}, "
     "{\"name\": \"put-2\", \"arguments\": {}}]",
     "(get_it {\"n\": 1})(put-2 {})"},
    {"mistral", "Well [TOOL_CALLS]get_it[ARGS]{\"n\": 1}[TOOL_CALLS]put-2[ARGS]{}",
     "Well(get_it {\"n\": 1})(put-2 {})"},
    {"qwen3-coder",
     "<tool_call>\n<function=get_it>\n<parameter=s>\n12\nx<y\n</parameter>\n<parameter=n>\n12\n"
     "</parameter>\n</function>\n</tool_call>",
     "(get_it {\"s\": \"12\\nx<y\", \"n\": 12})"},
    {"qwen3-coder", "<tool_call><function=put-2></function></tool_call>", "(put-2 {})"},
    {"qwen3-coder", "<tool_call>\n<function=none>\n", "<tool_call>\n<function=none>\n"},
    {"glm",
     "<tool_call>get_it\n<arg_key>o</arg_key>\n<arg_value>{\"a\": 1}</arg_value>\n</tool_call>",
     "(get_it {\"o\": {\"a\": 1}})"},
    {"glm", "<tool_call>get_it<arg_key>s</arg_key><arg_value>x</arg_value></tool_call>",
     "(get_it {\"s\": \"x\"})"},
    {"minimax",
     "<minimax:tool_call>\n<invoke name=\"get_it\">\n<parameter "
     "name=\"s\">x</parameter>\n</invoke>\n"
     "<invoke name=\"put-2\">\n</invoke>\n</minimax:tool_call>",
     "(get_it {\"s\": \"x\"})(put-2 {})"},
    {"seed-oss",
     "<seed:tool_call>\n<function=get_it>\n<parameter=n>5</parameter>\n</function>\n</"
     "seed:tool_call>",
     "(get_it {\"n\": 5})"},
    {"deepseek",
     "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_it\n```json\n{\"n\": "
     "1}\n```"
     "<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>put-2<｜tool▁sep｜>{}<｜tool▁call▁end｜><"
     "｜tool▁calls▁end｜>",
     "(get_it {\"n\": 1})(put-2 {})"},
    {"deepseek-dsml",
     "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_it\">\n<｜DSML｜parameter name=\"s\" "
     "string=\"true\">x</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
     "(get_it {\"s\": \"x\"})"},
    {"kimi",
     "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_it:0<|tool_call_argument_begin|>"
     "{\"n\": 1}<|tool_call_end|><|tool_calls_section_end|>",
     "(get_it {\"n\": 1})"},
    {"command-r",
     "<|START_ACTION|>[\n {\"tool_call_id\": \"0\", \"tool_name\": \"get_it\", \"parameters\": "
     "{}}\n]"
     "<|END_ACTION|>",
     "(get_it {})"},
    {"granite", "<|tool_call|>[{\"name\": \"get_it\", \"arguments\": {}}]", "(get_it {})"},
    {"phi-4", "<|tool_call|>[{\"name\": \"get_it\", \"arguments\": {}}]<|/tool_call|>",
     "(get_it {})"},
    {"functools", " functools[{\"name\": \"get_it\", \"arguments\": {}}]", "(get_it {})"},
    {"lfm2", "Well.<|tool_call_start|>[get_it(s=\"a, b)\", n=-2), put-2()]<|tool_call_end|> So.",
     "Well.(get_it {\"s\": \"a, b)\", \"n\": -2})(put-2 {})So."},
    {"lfm2", "<|tool_call_start|>[{\"name\": \"get_it\", \"arguments\": {}}]<|tool_call_end|>",
     "(get_it {})"},
    {"llama-3", "[get_it(s='it\\'s', o={'a': [1, True, None]})]",
     "(get_it {\"s\": \"it's\", \"o\": {\"a\":[1,true,null]}})"},
    {"llama-3", "[1, 2, 3]", "[1, 2, 3]"},
    {"llama-3", "<|python_tag|>get_it.call(s=\"x\")", "(get_it {\"s\": \"x\"})"},
    {"gemma", "<|tool_call>call:get_it{n:1,s:<|\"|>a \"b\", c}<|\"|>,o:{k:[true]}}<tool_call|>",
     "(get_it {\"n\": 1, \"s\": \"a \\\"b\\\", c}\", \"o\": {\"k\":[true]}})"},
    {"gemma", R"(<|tool_call>call:get_it{ "a: b": "}", "c":{"d":1e2}}<tool_call|>)",
     R"((get_it {"a: b": "}", "c":{"d":1e2}}))"},
    {"gemma", R"(<|tool_call>call:get_it{"a": b}<tool_call|>)", R"((get_it {"a": )b}<tool_call|>)"},
    {"functionary-v3.1", "Hm <function=get_it>{\"n\": 1}</function><function=put-2>{}</function>",
     "Hm(get_it {\"n\": 1})(put-2 {})"},
    {"solar",
     "<|tool_calls|><|tool_call:begin|>a1<|tool_call:name|>get_it<|tool_call:args|>{\"n\": 1}"
     "<|tool_call:end|><|calls|>",
     "(get_it {\"n\": 1})"},
    {"harmony",
     "<|channel|>analysis<|message|>Let me <think><|end|><|start|>assistant<|channel|>commentary "
     "to=functions.get_it <|constrain|>json<|message|>{\"n\": 1}<|call|>",
     "?Let me <think>(get_it {\"n\": 1})"},
    {"harmony",
     "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b "
     "<|return|>",
     "?ab "},
    {"harmony", "<|channel|>commentary to=functions.nobody<|message|>{}<|call|>", "{}"},
    {"harmony", " to=functions.get_it<|channel|>commentary json<|message|>[1]",
     " to=functions."
     "get_it<|channel|>commentary json<|message|>[1]"},
    {"harmony", "<|channel|>ana", ""},
    {"functionary-v2", "all\n<|content|>Hm.\n<|from|>assistant\n<|recipient|>get_it\n<|content|>{}",
     "Hm.(get_it {})"},
    {"apriel", "<tool_calls>[{\"name\": \"get_it\", \"arguments\": {}}]</tool_calls>",
     "(get_it {})"},
};

TEST(OutputParser, Dialects) {
  for (const Sample& sample : kSamples) {
    EXPECT_EQ(parsed(style_of(sample.dialect), sample.text), sample.shown)
        << sample.dialect << ": " << sample.text;
  }
}

// What the grammar of forced calls writes is what the dialect's reader reads.
TEST(OutputParser, ReadsItsOwnFraming) {
  for (const ToolDialect& row : tool_dialects()) {
    const CallFraming& f = row.framing;
    const auto call = [&](const char* name, const char* arguments) {
      return std::string(f.before_name) + name + std::string(f.before_arguments) + arguments +
             std::string(f.after_arguments);
    };
    const std::string text = std::string(f.open) + call("get_it", "{\"s\": \"</tool_call>\"}") +
                             std::string(f.between) + call("put-2", "{}") + std::string(f.close);
    EXPECT_EQ(parsed({.dialect = &row, .tools = some_tools()}, text),
              "(get_it {\"s\": \"</tool_call>\"})(put-2 {})")
        << row.name;
  }
}

TEST(OutputParser, Thoughts) {
  OutputStyle style = style_of("hermes");
  style.think = {"<think>", "</think>"};
  EXPECT_EQ(parsed(style, "\n<think>\na </thin b\n\n</think>\n\nYes"), "?a </thin bYes");
  EXPECT_EQ(parsed(style, "<think>a<tool_call>"), "?a<tool_call>");
  EXPECT_EQ(parsed(style, "<thin"), "<thin");
  EXPECT_EQ(parsed(style, "Well <think>"), "Well <think>");
  EXPECT_EQ(parsed(style, "<think>x</think>\n<tool_call>{\"name\":\"get_it\"}</tool_call>"),
            "?x(get_it {})");
  style.starts_thinking = true;
  style.dialect = nullptr;
  EXPECT_EQ(parsed(style, "\nhm \n</think> \nYes \n"), "?hmYes \n");
}

// Text without a call comes back as it is, however close it comes.
TEST(OutputParser, LosesNothing) {
  constexpr const char* kPieces[] = {"<tool_call>", "</tool_call>",
                                     "{",           "}",
                                     "\"name\"",    ":",
                                     "\"nobody\"",  " ",
                                     "\n",          "[",
                                     "]",           "<function=",
                                     "get_i",       "é",
                                     "functools",   "[TOOL_CALLS]",
                                     "<arg_key>",   "\nassistant to=functions.",
                                     "functions.",  "message",
                                     "<tool_c",     "<｜tool▁calls▁begin｜>"};
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    std::string text;
    for (int i = 0; i < 12; ++i) text += kPieces[rng.next() % std::size(kPieces)];
    for (const ToolDialect& row : tool_dialects()) {
      // What may be a header is none behind other words.
      const std::string said = row.headed != nullptr ? "x" + text : text;
      EXPECT_EQ(parsed({.dialect = &row, .tools = some_tools()}, said), said) << row.name;
    }
  }
}

TEST(GenericTools, AreDescribedWhereTheFormatAllows) {
  const Tools tools = *some_tools();
  const std::vector<Message> talk = {
      {.role = Role::kUser, .content = "Hi"},
      {.role = Role::kAssistant, .content = "", .tool_calls = {{"1", "get_it", "{\"n\":1}"}}},
      {.role = Role::kTool, .content = "5"}};
  const auto system = with_tools_in_words(talk, tools, Place::kSystem);
  ASSERT_EQ(system.size(), 4u);
  EXPECT_THAT(system[0].content, ::testing::HasSubstr("put-2"));
  EXPECT_EQ(system[2].content,
            "<tool_call>\n{\"name\": \"get_it\", \"arguments\": {\"n\":1}}\n</tool_call>");
  EXPECT_EQ(system[3].role, Role::kUser);
  const auto user = with_tools_in_words(talk, tools, Place::kUser);
  ASSERT_EQ(user.size(), 3u);
  EXPECT_TRUE(user[0].content.ends_with("\n\nHi"));
  EXPECT_EQ(with_tools_in_words({talk.data(), 1}, {}, Place::kSystem).size(), 1u);
}

}  // namespace
}  // namespace chasqui::chat
