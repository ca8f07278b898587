// house-numbers: table
// One row for each way of writing calls, the more specific marks first.
#include <algorithm>

#include "chat/internal/call_reader.h"
#include "chat/internal/headed_parser.h"

namespace chasqui::chat {
namespace {

using Reader = std::unique_ptr<CallReader>;
using enum Tail::Then;

// Openers and what ends each call.
using Texts = std::string_view;
constexpr Texts kHermesOpeners[] = {"<tool_call>"};
constexpr Texts kGenericOpeners[] = {"<tool_call>", "{"};
constexpr Texts kLlamaOpeners[] = {"<|python_tag|>", "<|python_start|>", "{", "["};
constexpr Texts kPythonicOpeners[] = {"<|tool_call_start|>"};
constexpr Texts kGemmaOpeners[] = {"<|tool_call>"};
constexpr Texts kFunctionTagOpeners[] = {"<function="};
constexpr Texts kSolarOpeners[] = {"<|tool_calls|>"};
constexpr Texts kGigaOpeners[] = {"<|message_sep|>\n\nfunction call<|role_sep|>",
                                  "function call<|role_sep|>"};
constexpr Texts kApertusOpeners[] = {"<|tools_prefix|>[{\""};
constexpr Texts kHunyuanOpeners[] = {"<tool_calls:opensource>"};
constexpr Texts kHarmonyOpeners[] = {"<|channel|>"};
constexpr Texts kRecipientOpeners[] = {"<|recipient|>", "<|content|>"};
constexpr Texts kAddresseeOpeners[] = {"to=functions."};
constexpr Texts kFunctionCallOpeners[] = {"<|START_OF_FUNCTION_CALL|>"};
constexpr Texts kNamedOpeners[] = {"functions."};
constexpr Texts kMistralOpeners[] = {"[TOOL_CALLS]"};
constexpr Texts kDeepSeekOpeners[] = {"<｜tool▁calls▁begin｜>"};
constexpr Texts kDsmlOpeners[] = {"<｜DSML｜function_calls>", "<｜DSML｜tool_calls>"};
constexpr Texts kKimiOpeners[] = {"<|tool_calls_section_begin|>"};
constexpr Texts kSeedOpeners[] = {"<seed:tool_call>"};
constexpr Texts kMiniMaxOpeners[] = {"<minimax:tool_call>"};
constexpr Texts kCommandOpeners[] = {"<|START_ACTION|>"};
constexpr Texts kBarredOpeners[] = {"<|tool_call|>"};
constexpr Texts kPluralOpeners[] = {"<tool_calls>"};
constexpr Texts kFunctoolsOpeners[] = {"functools["};
constexpr Texts kHeldLlamaOpeners[] = {"<|python_tag|>", "<|python_start|>", "{"};

constexpr Tail kHermesTails[] = {{"</tool_call>", kDone}, {"{", kNext}};
constexpr Tail kLlamaTails[] = {
    {";", kSkip}, {"<|python_tag|>", kSkip}, {"<|python_end|>", kDone}, {"{", kNext}};
constexpr Tail kPythonEnd[] = {{"<|python_end|>", kDone}};
constexpr Tail kPythonicTails[] = {{"<|tool_call_end|>", kDone}};
constexpr Tail kGemmaTails[] = {{"<tool_call|>", kDone}};
constexpr Tail kFunctionTagTails[] = {{"</function>", kSkip}, {"<function=", kNext}};
constexpr Tail kSolarTails[] = {
    {"<|tool_call:end|>", kSkip}, {"<|tool_call:begin|>", kNext}, {"<|calls|>", kDone}};
constexpr Tail kGigaTails[] = {{"<|message_sep|>", kDone}, {"{", kNext}};
constexpr Tail kApertusTails[] = {
    {"}", kSkip}, {", {\"", kNext}, {",{\"", kNext}, {"]<|tools_suffix|>", kDone}};
constexpr Tail kHunyuanJsonTails[] = {{"</tool_calls:opensource>", kDone}, {"{", kNext}};
constexpr Tail kHunyuanTails[] = {{"</tool_calls:opensource>", kDone},
                                  {"<tool_call:opensource>", kNext}};
constexpr Tail kMistralTails[] = {{"[TOOL_CALLS]", kNext}};
constexpr Tail kFunctionCallTails[] = {{"<|START_OF_FUNCTION_CALL|>", kNext},
                                       {"<|END_OF_FUNCTION_CALL|>", kDone}};
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
constexpr TagStyle kHunyuanTags = {"<tool_call:opensource>",  "<tool_sep:opensource>",
                                   "<arg_key:opensource>",    "</arg_key:opensource>",
                                   "<arg_value:opensource>",  "</arg_value:opensource>",
                                   "</tool_call:opensource>", kHunyuanTails};
constexpr TagStyle kDsmlTags = {"<｜DSML｜invoke name=\"",
                                "\">",
                                "<｜DSML｜parameter name=\"",
                                "\"",
                                ">",
                                "</｜DSML｜parameter>",
                                "</｜DSML｜invoke>",
                                kDsmlTails};

constexpr LooseStyle kPythonStyle = {"", '(', '=', ')', kPythonicTails};
constexpr LooseStyle kLlamaStyle = {"", '(', '=', ')', kPythonEnd};
constexpr LooseStyle kGemmaStyle = {"call:", '{', ':', '}', kGemmaTails};

// Answers with headers.
constexpr Texts kHarmonyStarts[] = {"<|start|>assistant", "<|channel|>", "to=", "<|constrain|>"};
constexpr Texts kHarmonyEnds[] = {"<|end|>", "<|call|>", "<|return|>"};
constexpr Texts kHarmonyArguments[] = {"<|message|>", " <|constrain|>json<|message|>",
                                       " json<|message|>", "<|channel|>commentary json<|message|>",
                                       "<|channel|>commentary <|constrain|>json<|message|>"};
constexpr HeadedStyle kHarmony = {.starts = kHarmonyStarts,
                                  .header_end = "<|message|>",
                                  .call_mark = "to=functions.",
                                  .thought_mark = "<|channel|>analysis",
                                  .body_ends = kHarmonyEnds,
                                  .before_arguments = kHarmonyArguments};
constexpr Texts kRecipientEnds[] = {"\n<|from|>assistant\n<|recipient|>",
                                    "<|from|>assistant\n<|recipient|>", "<|stop|>"};
constexpr Texts kRecipientArguments[] = {"\n<|content|>"};
constexpr HeadedStyle kRecipient = {.header_end = "<|content|>",
                                    .body_ends = kRecipientEnds,
                                    .before_arguments = kRecipientArguments,
                                    .everybody = "all"};
constexpr Texts kAddresseeStarts[] = {"to=functions.", "assistant to=functions.", ""};
constexpr HeadedStyle kAddressee = {.starts = kAddresseeStarts,
                                    .header_end = ":",
                                    .call_mark = "to=functions.",
                                    .body_turn = "\nassistant to=functions.",
                                    .is_exact = true};
constexpr Texts kNamedStarts[] = {"functions.", "message"};
constexpr HeadedStyle kNamed = {
    .starts = kNamedStarts, .header_end = ":", .call_mark = "functions.", .is_exact = true};

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

constexpr CallFraming kPythonicFraming = {"<|tool_call_start|>[", kName, kArguments, "}", ", ",
                                          "]<|tool_call_end|>"};
constexpr CallFraming kGemmaFraming = {"", "<|tool_call>call:", "", "<tool_call|>", "", ""};
constexpr CallFraming kFunctionTagFraming = {"", "<function=", ">", "</function>", "", ""};
constexpr CallFraming kSolarFraming = {"<|tool_calls|>",
                                       "<|tool_call:begin|>call<|tool_call:name|>",
                                       "<|tool_call:args|>",
                                       "<|tool_call:end|>",
                                       "",
                                       "<|calls|>"};
constexpr CallFraming kGigaFraming = {
    "function call<|role_sep|>\n", kName, kArguments, "}", "\n", ""};
constexpr CallFraming kApertusFraming = {"<|tools_prefix|>[", "{\"", "\": ", "}", ", ",
                                         "]<|tools_suffix|>"};
constexpr CallFraming kHunyuanFraming = {"<tool_calls:opensource>\n", kName, kArguments, "}", "\n",
                                         "\n</tool_calls:opensource>"};
constexpr CallFraming kHarmonyFraming = {
    "", " to=functions.", "<|channel|>commentary json<|message|>", "", "<|start|>assistant", ""};
constexpr CallFraming kRecipientFraming = {
    "", "", "\n<|content|>", "", "\n<|from|>assistant\n<|recipient|>", "<|stop|>"};
constexpr CallFraming kAddresseeFraming = {"", " to=functions.", ":\n", "", "\nassistant", ""};
constexpr CallFraming kFunctionCallFraming = {"",   "<|START_OF_FUNCTION_CALL|>", ":\n", "",
                                              "\n", "<|END_OF_FUNCTION_CALL|>"};
constexpr CallFraming kNamedFraming = {"", "functions.", ":\n", "", "\n", ""};

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

template <const auto& kStyle>
Reader loose_calls(const Tools&) {
  return make_loose_reader(kStyle);
}

template <const auto& kStyle, const auto& kJsonTails>
Reader python_calls(const Tools&) {
  return make_either_reader(make_json_reader(kJsonTails), make_loose_reader(kStyle));
}

Reader mistral(const Tools&) {
  return make_either_reader(make_json_reader({}), make_header_reader(kMistralTails));
}

constexpr ToolDialect kDialects[] = {
    {.name = "harmony",
     .mark = "<|channel|>",
     .second_mark = "commentary",
     .openers = kHarmonyOpeners,
     .framing = kHarmonyFraming,
     .headed = &kHarmony,
     .is_always_headed = true,
     .before_answer = "<|channel|>final<|message|>"},
    {.name = "functionary-v2",
     .mark = "<|recipient|>",
     .second_mark = "<|content|>",
     .openers = kRecipientOpeners,
     .framing = kRecipientFraming,
     .headed = &kRecipient,
     .is_always_headed = true,
     .before_answer = "<|content|>"},
    {.name = "functionary",
     .mark = "assistant to=functions.",
     .second_mark = "",
     .openers = kAddresseeOpeners,
     .framing = kAddresseeFraming,
     .headed = &kAddressee,
     .before_answer = ":\n",
     .holds_answer = true},
    {"functionary-v1", "<|START_OF_FUNCTION_CALL|>", "", kFunctionCallOpeners,
     header_calls<kFunctionCallTails>, kFunctionCallFraming},
    {.name = "chatml-function-calling",
     .mark = "message:",
     .second_mark = "functions.<function_name>:",
     .openers = kNamedOpeners,
     .framing = kNamedFraming,
     .headed = &kNamed,
     .before_answer = "message:\n",
     .holds_answer = true},
    {"deepseek-dsml", "｜DSML｜", "", kDsmlOpeners, tag_calls<kDsmlTags, kDsmlJsonTails>,
     kDsmlFraming},
    {"deepseek", "<｜tool▁calls▁begin｜>", "", kDeepSeekOpeners, header_calls<kDeepSeekTails>,
     kDeepSeekFraming},
    {"kimi", "<|tool_calls_section_begin|>", "", kKimiOpeners, header_calls<kKimiTails>,
     kKimiFraming},
    {"minimax", "<minimax:tool_call>", "", kMiniMaxOpeners,
     tag_calls<kMiniMaxTags, kMiniMaxJsonTails>, kMiniMaxFraming},
    {"hunyuan", "':opensource'", "tool_sep", kHunyuanOpeners,
     tag_calls<kHunyuanTags, kHunyuanJsonTails>, kHunyuanFraming},
    {"gemma", "<|tool_call>", "<tool_call|>", kGemmaOpeners, loose_calls<kGemmaStyle>,
     kGemmaFraming},
    {"solar", "<|tool_call:begin|>", "<|tool_call:name|>", kSolarOpeners, header_calls<kSolarTails>,
     kSolarFraming},
    {"gigachat", "'function call'", "<|role_sep|>", kGigaOpeners, json_calls<kGigaTails>,
     kGigaFraming},
    {"apertus", "<|tools_prefix|>", "", kApertusOpeners, header_calls<kApertusTails>,
     kApertusFraming},
    {"lfm2", "<|tool_list_start|>", "", kPythonicOpeners,
     python_calls<kPythonStyle, kPythonicTails>, kPythonicFraming},
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
    {"functionary-v3.1", "<function=", "python_tag", kFunctionTagOpeners,
     header_calls<kFunctionTagTails>, kFunctionTagFraming},
    {"llama-3", "\"parameters\"", "ipython", kLlamaOpeners, python_calls<kLlamaStyle, kLlamaTails>,
     kLlamaFraming, kHeldLlamaOpeners},
    {"llama-4", "<|header_start|>", "", kLlamaOpeners, python_calls<kLlamaStyle, kLlamaTails>,
     kLlamaFraming, kHeldLlamaOpeners},
    {"hermes", "<tool_call>", "", kHermesOpeners, json_calls<kHermesTails>, kHermesFraming},
    {"generic", "", "", kGenericOpeners, json_calls<kHermesTails>, kHermesFraming},
};

struct ThinkRow {
  std::string_view mark;  // templates of models that think so have it
  ThinkMarks marks;
};
constexpr ThinkRow kThinkRows[] = {
    {"</mm:think>", {"<mm:think>", "</mm:think>"}},
    {"</seed:think>", {"<seed:think>", "</seed:think>"}},
    {"':opensource'", {"<think:opensource>", "</think:opensource>"}},
    {"[/THINK]", {"[THINK]", "[/THINK]"}},
    {"<|END_THINKING|>", {"<|START_THINKING|>", "<|END_THINKING|>"}},
    {"<|channel>thought", {"<|channel>thought", "<channel|>"}},
    {"<|inner_suffix|>", {"<|inner_prefix|>", "<|inner_suffix|>"}},
    {"Here is my response:", {"Here is my thought process:", "Here is my response:"}},
    {"</think>", {"<think>", "</think>"}},
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

std::span<const ToolDialect> tool_dialects() {
  return kDialects;
}

bool is_bracket(std::string_view opener) {
  return opener == "{" || opener == "[";
}

const ToolDialect& tool_dialect_of(std::string_view chat_template) {
  for (const ToolDialect& row : kDialects) {
    if (has(chat_template, row.mark) && has(chat_template, row.second_mark)) return row;
  }
  return kDialects[std::size(kDialects) - 1];
}

const ToolDialect* find_dialect(std::string_view name) {
  const auto* row = std::ranges::find(kDialects, name, &ToolDialect::name);
  return row == std::end(kDialects) ? nullptr : row;
}

ThinkMarks think_marks_of(std::string_view chat_template) {
  for (const ThinkRow& row : kThinkRows) {
    if (has(chat_template, row.mark)) return row.marks;
  }
  return {};
}

Speech speech_of(std::string_view chat_template) {
  return {&tool_dialect_of(chat_template), think_marks_of(chat_template),
          has(chat_template, "tools")};
}

bool ends_thinking(std::string_view prompt, const ThinkMarks& marks) {
  while (!prompt.empty() && is_blank(prompt.back())) prompt.remove_suffix(1);
  return !marks.open.empty() && prompt.ends_with(marks.open);
}

}  // namespace chasqui::chat
