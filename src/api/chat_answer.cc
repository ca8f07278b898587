#include "api/internal/chat_answer.h"

#include <algorithm>

#include "engine/grammar_filter.h"
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
  style.holds_calls = !is_constrained && holds_calls(wishes);
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
  ChatGrammar made;
  Constraint constraint = body.constraint;
  if (body.tools.forced) {
    made.scope = Scope::kCalls;
    constraint = forced_calls(body.tools, *style.dialect);
  } else if (style.holds_calls) {
    made.scope = Scope::kAnswer;
    constraint = held_calls(body.tools, style);
  }
  CHASQUI_TRY(made.grammar, context.grammars().get(constraint));
  return made;
}

namespace {

// Lets the thoughts be, where the grammar is of what comes behind them.
std::shared_ptr<sample::TokenFilter> behind_thoughts(const ModelContext& context,
                                                     const chat::OutputStyle& style,
                                                     ChatGrammar::Scope scope,
                                                     std::shared_ptr<sample::TokenFilter> filter) {
  using Scope = ChatGrammar::Scope;
  if (scope == Scope::kAnswer) return filter;
  if (scope == Scope::kWords && style.dialect != nullptr && !style.dialect->before_answer.empty()) {
    return engine::make_thinking_filter(
        filter, {"", std::string(style.dialect->before_answer), true}, context.model().tokenizer);
  }
  if (!style.has_thoughts()) return filter;
  return engine::make_thinking_filter(
      filter,
      {std::string(style.think.open), std::string(style.think.close), style.starts_thinking},
      context.model().tokenizer);
}

}  // namespace

std::shared_ptr<sample::TokenFilter> chat_filter(const ModelContext& context, const ChatBody& body,
                                                 const chat::OutputStyle& style,
                                                 const ChatGrammar& chat) {
  std::shared_ptr<sample::TokenFilter> filter;
  if (chat.grammar) {
    filter = behind_thoughts(context, style, chat.scope, engine::make_grammar_filter(chat.grammar));
  }
  const bool is_one_call = body.tools.tools && !body.tools.forced && !body.tools.parallel;
  if (!is_one_call) return filter;
  return make_first_call_filter(filter, style, context.model().tokenizer);
}

}  // namespace chasqui::api
