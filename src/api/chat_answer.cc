#include "api/internal/chat_answer.h"

#include <algorithm>

#include "engine/grammar_filter.h"
#include "engine/lead_filter.h"
#include "engine/thinking_filter.h"

namespace chasqui::api {

chat::OutputStyle output_style(const ModelContext& context, const ChatBody& body) {
  const ToolWishes& wishes = body.tools;
  const bool is_constrained = body.constraint.kind != Constraint::Kind::kNone;
  const chat::Speech speech = context.model().chat_format->speech();
  chat::OutputStyle style;
  style.think = speech.think;
  if (!wishes.tools && !speech.dialect->is_always_headed) return style;
  style.dialect = speech.dialect;
  style.holds_calls = !is_constrained && !speech.dialect->holds_answer && holds_calls(wishes);
  style.tools = wishes.tools ? wishes.tools : std::make_shared<const chat::Tools>();
  return style;
}

namespace {

// Whether the model writes control tokens, which are no text otherwise, in what opens and frames
// calls or ends thoughts.
bool has_control_marks(const text::Tokenizer& tokenizer, const chat::OutputStyle& style) {
  const auto has_control = [&](std::string_view mark) {
    const auto ids = tokenizer.encode(mark, {.add_special = false, .parse_special = true});
    return std::ranges::any_of(ids, [&](text::TokenId id) {
      return tokenizer.vocab().kind(id) == text::TokenKind::kControl;
    });
  };
  if (has_control(style.think.close)) return true;
  if (style.dialect == nullptr) return false;
  const chat::CallFraming& framing = style.dialect->framing;
  const std::string_view frame[] = {framing.open,    framing.before_name,
                                    framing.between, framing.before_arguments,
                                    framing.close,   framing.after_arguments};
  return std::ranges::any_of(style.dialect->openers, has_control) ||
         std::ranges::any_of(frame, has_control);
}

}  // namespace

bool shows_control_tokens(const ModelContext& context, const chat::OutputStyle& style) {
  return style.holds_calls || has_control_marks(*context.model().tokenizer, style);
}

Result<ChatGrammar> chat_grammar(const ModelContext& context, const ChatBody& body,
                                 const chat::OutputStyle& style) {
  using Scope = ChatGrammar::Scope;
  GrammarCache& grammars = context.grammars();
  const grammar::Deadline deadline = grammar::compile_deadline();
  ChatGrammar made;
  Constraint constraint = body.constraint;
  if (body.tools.forced) {
    made.scope = Scope::kCalls;
    constraint = forced_calls(body.tools, *style.dialect);
  } else if (style.holds_calls) {
    made.scope = Scope::kAnswer;
    constraint = held_calls(body.tools, style);
  } else if (body.tools.tools && style.dialect->holds_answer) {
    const bool is_whole =
        constraint.kind == Constraint::Kind::kNone && !style.dialect->headed->body_turn.empty();
    if (is_whole) {
      made.scope = Scope::kAnswer;
      constraint = led_answer(body.tools, *style.dialect);
    } else {
      CHASQUI_TRY(made.lead, grammars.get(lead_constraint(body.tools, *style.dialect), deadline));
    }
  }
  CHASQUI_TRY(made.grammar, grammars.get(constraint, deadline));
  return made;
}

namespace {

// Leaves free what comes before the part that `filter` (not null) is of.
std::shared_ptr<sample::TokenFilter> behind_beginning(const ModelContext& context,
                                                      const chat::OutputStyle& style,
                                                      ChatGrammar::Scope scope,
                                                      std::shared_ptr<sample::TokenFilter> filter) {
  using Scope = ChatGrammar::Scope;
  const auto& tokenizer = context.model().tokenizer;
  if (scope == Scope::kAnswer) return filter;
  if (scope == Scope::kWords && style.dialect != nullptr && !style.dialect->before_answer.empty()) {
    if (style.starts_in_body) return filter;
    return engine::make_thinking_filter(
        filter, {"", std::string(style.dialect->before_answer), true}, tokenizer);
  }
  if (!style.has_thoughts()) return filter;
  return engine::make_thinking_filter(
      filter,
      {std::string(style.think.open), std::string(style.think.close), style.starts_thinking},
      tokenizer);
}

}  // namespace

std::shared_ptr<sample::TokenFilter> chat_filter(const ModelContext& context, const ChatBody& body,
                                                 const chat::OutputStyle& style,
                                                 const ChatGrammar& chat) {
  const auto& tokenizer = context.model().tokenizer;
  std::shared_ptr<sample::TokenFilter> filter;
  if (chat.grammar) filter = engine::make_grammar_filter(chat.grammar);
  if (chat.lead) {
    filter = engine::make_lead_filter(engine::make_grammar_filter(chat.lead),
                                      std::string(style.dialect->before_answer), filter, tokenizer);
  } else if (filter) {
    filter = behind_beginning(context, style, chat.scope, filter);
  }
  const bool is_one_call = body.tools.tools && !body.tools.forced && !body.tools.parallel;
  if (!is_one_call) return filter;
  return make_first_call_filter(filter, style, tokenizer);
}

}  // namespace chasqui::api
