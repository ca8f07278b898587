// house-numbers: table
// One row for each way of writing calls, the more specific marks first.
#include <array>

#include "chat/internal/call_reader.h"

namespace chasqui::chat {
namespace {

using Reader = std::unique_ptr<CallReader>;
using enum Tail::Then;

constexpr std::string_view kHermesOpeners[] = {"<tool_call>"};
constexpr std::string_view kGenericOpeners[] = {"<tool_call>", "{"};
constexpr Tail kHermesTails[] = {{"</tool_call>", kDone}, {"{", kNext}};
constexpr CallFraming kHermesFraming = {
    .open = "<tool_call>\n",
    .before_name = "{\"name\": \"",
    .before_arguments = "\", \"arguments\": ",
    .after_arguments = "}",
    .between = "\n</tool_call>\n<tool_call>\n",
    .close = "\n</tool_call>",
};

Reader hermes(const Tools&) {
  return make_json_reader(kHermesTails);
}

constexpr ToolDialect kDialects[] = {
    {"hermes", "<tool_call>", "", kHermesOpeners, hermes, kHermesFraming},
    {"generic", "", "", kGenericOpeners, hermes, kHermesFraming},
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
