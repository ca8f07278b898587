// What holds the answer of a chat: its constraint, calls that are forced, and what formats ask of
// models that were not trained to call.
#pragma once

#include <memory>

#include "api/internal/requests.h"
#include "api/service.h"
#include "base/result.h"
#include "chat/output_parser.h"
#include "sample/token_filter.h"

namespace chasqui::api {

struct ChatConstraint {
  grammar::GrammarPtr answer;  // null: what it says is free
  grammar::GrammarPtr lead;    // not null: the dialect's before_answer, or calls in whole
  bool is_call = false;        // `answer` is that of forced calls
  bool one_call = false;       // the first call ends the answer
};

// Errors are those of the constraint and of schemas that must be honoured: kInvalidArgument with
// `param` naming the field. A schema that need not be leaves the arguments of its tool free.
Result<ChatConstraint> chat_constraint(const ModelContext& context, const ChatBody& body,
                                       const chat::OutputStyle& style);

// A filter for one answer; null where nothing holds it.
std::shared_ptr<sample::TokenFilter> chat_filter(const ModelContext& context,
                                                 const ChatConstraint& constraint,
                                                 const chat::OutputStyle& style);

}  // namespace chasqui::api
