#include "api/internal/chat_constraint.h"

#include "api/internal/tools.h"
#include "engine/grammar_filter.h"
#include "engine/lead_filter.h"
#include "engine/thinking_filter.h"

namespace chasqui::api {
namespace {

ToolWishes only(const ToolWishes& wishes, const chat::Tool& tool) {
  ToolWishes one = wishes;
  one.forced_name = tool.name;
  return one;
}

// How an answer begins whose model may call or not.
Result<grammar::GrammarPtr> lead_grammar(const ModelContext& context, const ToolWishes& wishes,
                                         const chat::ToolDialect& dialect) {
  GrammarCache& grammars = context.grammars();
  const auto all = grammars.get(lead_constraint(wishes, dialect));
  if (all) return all;
  chat::Tools loose = *wishes.tools;
  for (chat::Tool& tool : loose) {
    const bool holds = grammars.get(call_constraint(only(wishes, tool), dialect)).has_value();
    if (!holds) tool.parameters = {{"type", "object"}};
  }
  ToolWishes others = wishes;
  others.tools = std::make_shared<const chat::Tools>(std::move(loose));
  return grammars.get(lead_constraint(others, dialect));
}

}  // namespace

Result<ChatConstraint> chat_constraint(const ModelContext& context, const ChatBody& body,
                                       const chat::OutputStyle& style) {
  GrammarCache& grammars = context.grammars();
  ChatConstraint constraint;
  const ToolWishes& wishes = body.tools;
  if (wishes.forced) {
    constraint.is_call = true;
    CHASQUI_TRY(constraint.answer, grammars.get(call_constraint(wishes, *style.dialect)));
    return constraint;
  }
  CHASQUI_TRY(constraint.answer, grammars.get(body.constraint));
  if (!wishes.tools) return constraint;
  constraint.one_call = !wishes.parallel;
  for (const chat::Tool& tool : *wishes.tools) {
    if (!tool.strict) continue;
    const auto checked = grammars.get(call_constraint(only(wishes, tool), *style.dialect));
    if (!checked) return fail(checked.error());
  }
  if (!style.dialect->holds_answer) return constraint;
  CHASQUI_TRY(constraint.lead, lead_grammar(context, wishes, *style.dialect));
  return constraint;
}

std::shared_ptr<sample::TokenFilter> chat_filter(const ModelContext& context,
                                                 const ChatConstraint& constraint,
                                                 const chat::OutputStyle& style) {
  const auto& tokenizer = context.model().tokenizer;
  const std::string before(style.dialect == nullptr ? "" : style.dialect->before_answer);
  const bool waits = !constraint.is_call && !before.empty() && !style.starts_in_body;
  std::shared_ptr<sample::TokenFilter> filter;
  if (constraint.answer) filter = engine::make_grammar_filter(constraint.answer);
  if (constraint.lead) {
    filter = engine::make_lead_filter(engine::make_grammar_filter(constraint.lead), before, filter,
                                      tokenizer);
  } else if (filter && waits) {
    filter = engine::make_thinking_filter(filter, {"", before, true}, tokenizer);
  } else if (filter && !style.think.close.empty()) {
    filter = engine::make_thinking_filter(
        filter,
        {std::string(style.think.open), std::string(style.think.close), style.starts_thinking},
        tokenizer);
  }
  if (!constraint.one_call) return filter;
  return make_first_call_filter(filter, style, tokenizer);
}

}  // namespace chasqui::api
