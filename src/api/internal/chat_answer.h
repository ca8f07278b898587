// How a chat's answer is to be read, and what it is held to while it is written.
#pragma once

#include <memory>

#include "api/internal/requests.h"
#include "api/service.h"
#include "base/result.h"
#include "chat/output_parser.h"
#include "grammar/grammar.h"
#include "sample/token_filter.h"

namespace chasqui::api {

// Calls are read where there are tools, thoughts where the model's template speaks of them. Whether
// the prompt has opened the thoughts is for who has rendered it to say.
chat::OutputStyle output_style(const ModelContext& context, const ChatBody& body);

// Whether control tokens must be text for the answer to be read.
bool shows_control_tokens(const ModelContext& context, const chat::OutputStyle& style);

struct ChatGrammar {
  // What the grammar is of: the words behind the thoughts, the calls behind them, or everything.
  enum class Scope { kWords, kCalls, kAnswer } scope = Scope::kWords;
  grammar::GrammarPtr grammar;  // null: that is free
  // Not null: how the answer begins, the dialect's before_answer or calls in whole.
  grammar::GrammarPtr lead;
};

// Forced calls, calls of strict tools, or what the request says; a lead for dialects that hold
// their answers. Errors name the field, or the tool whose schema must be honoured and cannot be. A
// schema that need not be leaves the arguments of its tool free.
Result<ChatGrammar> chat_grammar(const ModelContext& context, const ChatBody& body,
                                 const chat::OutputStyle& style);

// What one copy of the answer is held to: its grammar, and its end behind the first call where the
// request wants only one. May be null.
std::shared_ptr<sample::TokenFilter> chat_filter(const ModelContext& context, const ChatBody& body,
                                                 const chat::OutputStyle& style,
                                                 const ChatGrammar& chat);

}  // namespace chasqui::api
