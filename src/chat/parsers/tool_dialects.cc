// house-numbers: table
// One row for each way of writing calls, the more specific marks first.
#include <array>

#include "chat/internal/call_reader.h"

namespace chasqui::chat {
namespace {

using Reader = std::unique_ptr<CallReader>;
using enum Tail::Then;

// Openers and what ends each call.
using Texts = std::string_view;
constexpr Texts kHermesOpeners[] = {"<tool_call>"};
constexpr Texts kGenericOpeners[] = {"<tool_call>", "{"};
constexpr Texts kLlamaOpeners[] = {"<|python_tag|>", "{"};
constexpr Texts kMistralOpeners[] = {"[TOOL_CALLS]"};
constexpr Texts kDeepSeekOpeners[] = {"<｜tool▁calls▁begin｜>"};
constexpr Texts kDsmlOpeners[] = {"<｜DSML｜function_calls>", "<｜DSML｜tool_calls>"};
constexpr Texts kKimiOpeners[] = {"<|tool_calls_section_begin|>"};
constexpr Texts kSeedOpeners[] = {"<seed:tool_call>"};
constexpr Texts kMiniMaxOpeners[] = {"<minimax:tool_call>"};
constexpr Texts kCommandOpeners[] = {"<|START_ACTION|>"};
constexpr Texts kBarredOpeners[] = {"<|tool_call|>"};
constexpr Texts kPluralOpeners[] = {"<tool_calls>"};
constexpr Texts kFunctoolsOpeners[] = {"functools"};

constexpr Tail kHermesTails[] = {{"</tool_call>", kDone}, {"{", kNext}};
constexpr Tail kLlamaTails[] = {{";", kSkip}, {"<|python_tag|>", kSkip}, {"{", kNext}};
constexpr Tail kMistralTails[] = {{"[TOOL_CALLS]", kNext}};
constexpr Tail kDeepSeekTails[] = {{"```<｜tool▁call▁end｜>", kSkip},
                                   {"<｜tool▁call▁end｜>", kSkip},
                                   {"<｜tool▁call▁begin｜>", kNext},
                                   {"<｜tool▁calls▁end｜>", kDone}};
constexpr Tail kDsmlJsonTails[] = {
    {"</｜DSML｜function_calls>", kDone}, {"</｜DSML｜tool_calls>", kDone}, {"{", kNext}};
constexpr Tail kDsmlTails[] = {{"</｜DSML｜function_calls>", kDone},
                               {"</｜DSML｜tool_calls>", kDone},
                               {"<｜DSML｜invoke name=\"", kNext}};
constexpr Tail kKimiTails[] = {{"<|tool_call_end|>", kSkip},
                               {"<|tool_call_begin|>", kNext},
                               {"<|tool_calls_section_end|>", kDone}};
constexpr Tail kCoderTails[] = {{"</tool_call>", kDone}, {"<function=", kNext}};
constexpr Tail kSeedJsonTails[] = {{"</seed:tool_call>", kDone}, {"{", kNext}};
constexpr Tail kSeedTails[] = {{"</seed:tool_call>", kDone}, {"<function=", kNext}};
constexpr Tail kMiniMaxJsonTails[] = {{"</minimax:tool_call>", kDone}, {"{", kNext}};
constexpr Tail kMiniMaxTails[] = {{"</minimax:tool_call>", kDone}, {"<invoke name=\"", kNext}};
constexpr Tail kCommandTails[] = {{"<|END_ACTION|>", kDone}};
constexpr Tail kPhiTails[] = {{"<|/tool_call|>", kDone}};
constexpr Tail kPluralTails[] = {{"</tool_calls>", kDone}};

constexpr TagStyle kCoderTags = {"<function=",   ">",           "<parameter=", ">", "",
                                 "</parameter>", "</function>", kCoderTails};
constexpr TagStyle kSeedTags = {"<function=",   ">",           "<parameter=", ">", "",
                                "</parameter>", "</function>", kSeedTails};
constexpr TagStyle kGlmTags = {
    "", "", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "</tool_call>", {}};
constexpr TagStyle kMiniMaxTags = {"<invoke name=\"", "\">",       "<parameter name=\"", "\">", "",
                                   "</parameter>",    "</invoke>", kMiniMaxTails};
constexpr TagStyle kDsmlTags = {"<｜DSML｜invoke name=\"",
                                "\">",
                                "<｜DSML｜parameter name=\"",
                                "\"",
                                ">",
                                "</｜DSML｜parameter>",
                                "</｜DSML｜invoke>",
                                kDsmlTails};

// Calls that are forced. Dialects of tags have JSON between their outer tags: so a schema is
// honoured exactly, and their readers take both.
constexpr Texts kName = "{\"name\": \"";
constexpr Texts kArguments = "\", \"arguments\": ";
constexpr Texts kParameters = "\", \"parameters\": ";
constexpr CallFraming kHermesFraming = {
    "<tool_call>\n", kName, kArguments, "}", "\n</tool_call>\n<tool_call>\n", "\n</tool_call>"};
constexpr CallFraming kLlamaFraming = {"", kName, kParameters, "}", "; ", ""};
constexpr CallFraming kMistralFraming = {"[TOOL_CALLS][", kName, kArguments, "}", ", ", "]"};
constexpr CallFraming kMistralArgsFraming = {"", "[TOOL_CALLS]", "[ARGS]", "", "", ""};
constexpr CallFraming kDeepSeekFraming = {"<｜tool▁calls▁begin｜>",
                                          "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
                                          "\n```json\n",
                                          "\n```<｜tool▁call▁end｜>",
                                          "\n",
                                          "<｜tool▁calls▁end｜>"};
constexpr CallFraming kDsmlFraming = {"<｜DSML｜function_calls>\n", kName, kArguments, "}", "\n",
                                      "\n</｜DSML｜function_calls>"};
constexpr CallFraming kKimiFraming = {"<|tool_calls_section_begin|>",
                                      "<|tool_call_begin|>functions.",
                                      ":0<|tool_call_argument_begin|>",
                                      "<|tool_call_end|>",
                                      "",
                                      "<|tool_calls_section_end|>"};
constexpr CallFraming kSeedFraming = {"<seed:tool_call>\n", kName, kArguments, "}", "\n",
                                      "\n</seed:tool_call>"};
constexpr CallFraming kMiniMaxFraming = {"<minimax:tool_call>\n", kName, kArguments, "}", "\n",
                                         "\n</minimax:tool_call>"};
constexpr CallFraming kCommandFraming = {
    "<|START_ACTION|>[", "{\"tool_name\": \"", kParameters, "}", ", ", "]<|END_ACTION|>"};
constexpr CallFraming kPhiFraming = {"<|tool_call|>[", kName, kArguments, "}", ", ",
                                     "]<|/tool_call|>"};
constexpr CallFraming kGraniteFraming = {"<|tool_call|>[", kName, kArguments, "}", ", ", "]"};
constexpr CallFraming kPluralFraming = {"<tool_calls>[", kName, kArguments, "}", ", ",
                                        "]</tool_calls>"};
constexpr CallFraming kFunctoolsFraming = {"functools[", kName, kArguments, "}", ", ", "]"};

template <const auto& kTails>
Reader json_calls(const Tools&) {
  return make_json_reader(kTails);
}

Reader bare_list(const Tools&) {
  return make_json_reader({});
}

template <const auto& kTails>
Reader header_calls(const Tools&) {
  return make_header_reader(kTails);
}

template <const auto& kStyle, const auto& kJsonTails>
Reader tag_calls(const Tools& tools) {
  return make_either_reader(make_json_reader(kJsonTails), make_tag_reader(kStyle, tools));
}

Reader mistral(const Tools&) {
  return make_either_reader(make_json_reader({}), make_header_reader(kMistralTails));
}

constexpr ToolDialect kDialects[] = {
    {"deepseek-dsml", "｜DSML｜", "", kDsmlOpeners, tag_calls<kDsmlTags, kDsmlJsonTails>,
     kDsmlFraming},
    {"deepseek", "<｜tool▁calls▁begin｜>", "", kDeepSeekOpeners, header_calls<kDeepSeekTails>,
     kDeepSeekFraming},
    {"kimi", "<|tool_calls_section_begin|>", "", kKimiOpeners, header_calls<kKimiTails>,
     kKimiFraming},
    {"minimax", "<minimax:tool_call>", "", kMiniMaxOpeners,
     tag_calls<kMiniMaxTags, kMiniMaxJsonTails>, kMiniMaxFraming},
    {"seed-oss", "<seed:tool_call>", "", kSeedOpeners, tag_calls<kSeedTags, kSeedJsonTails>,
     kSeedFraming},
    {"glm", "<tool_call>", "<arg_key>", kHermesOpeners, tag_calls<kGlmTags, kHermesTails>,
     kHermesFraming},
    {"qwen3-coder", "<tool_call>", "<function=", kHermesOpeners,
     tag_calls<kCoderTags, kHermesTails>, kHermesFraming},
    {"mistral", "[TOOL_CALLS]", "[ARGS]", kMistralOpeners, mistral, kMistralArgsFraming},
    {"mistral-list", "[TOOL_CALLS]", "", kMistralOpeners, mistral, kMistralFraming},
    {"command-r", "<|START_ACTION|>", "", kCommandOpeners, json_calls<kCommandTails>,
     kCommandFraming},
    {"phi-4", "<|tool_call|>", "<|/tool_call|>", kBarredOpeners, json_calls<kPhiTails>,
     kPhiFraming},
    {"granite", "<|tool_call|>", "", kBarredOpeners, bare_list, kGraniteFraming},
    {"apriel", "<tool_calls>", "", kPluralOpeners, json_calls<kPluralTails>, kPluralFraming},
    {"functools", "functools", "", kFunctoolsOpeners, bare_list, kFunctoolsFraming},
    {"llama-3", "\"parameters\"", "ipython", kLlamaOpeners, json_calls<kLlamaTails>, kLlamaFraming},
    {"hermes", "<tool_call>", "", kHermesOpeners, json_calls<kHermesTails>, kHermesFraming},
    {"generic", "", "", kGenericOpeners, json_calls<kHermesTails>, kHermesFraming},
};

constexpr ThinkMarks kThinkMarks[] = {
    {"<think>", "</think>"},
    {"[THINK]", "[/THINK]"},
    {"<seed:think>", "</seed:think>"},
    {"<|START_THINKING|>", "<|END_THINKING|>"},
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

std::span<const ToolDialect> tool_dialects() {
  return kDialects;
}

const ToolDialect& tool_dialect_of(std::string_view chat_template) {
  for (const ToolDialect& row : kDialects) {
    if (has(chat_template, row.mark) && has(chat_template, row.second_mark)) return row;
  }
  return kDialects[std::size(kDialects) - 1];
}

bool template_knows_tools(std::string_view chat_template) {
  return has(chat_template, "tools");
}

ThinkMarks think_marks_of(std::string_view chat_template) {
  for (const ThinkMarks& row : kThinkMarks) {
    if (has(chat_template, row.close)) return row;
  }
  return {};
}

bool ends_thinking(std::string_view prompt, const ThinkMarks& marks) {
  while (!prompt.empty() && is_blank(prompt.back())) prompt.remove_suffix(1);
  return !marks.open.empty() && prompt.ends_with(marks.open);
}

}  // namespace chasqui::chat
