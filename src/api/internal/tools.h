// What a chat request says of tools, and what becomes of it: the constraint of calls, the end after
// the first call.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "api/internal/constraint.h"
#include "base/result.h"
#include "chat/output_parser.h"
#include "sample/token_filter.h"

namespace chasqui::api {

struct ToolWishes {
  // Those that the model sees and may call; null where there are none or the choice is "none".
  std::shared_ptr<const chat::Tools> tools;
  boost::json::array objects;  // the same, as OpenAI's objects, for templates
  bool forced = false;         // a call must come
  std::string forced_name;     // of this tool; "" any
  bool parallel = true;        // several calls are allowed
  bool old_style = false;      // functions and function_call: answered likewise
};

// Reads tools, tool_choice, functions and function_call of a request whose fields have the right
// types. `wishes.parallel` has been read.
Status read_tools(const boost::json::object& object, ToolWishes& wishes);

// The constraint of an answer that is calls in the dialect's framing, behind the thoughts.
// REQUIRES: wishes.tools.
Constraint forced_calls(const ToolWishes& wishes, const chat::ToolDialect& dialect);

// Whether the model is free to call, and some tool is strict.
bool holds_calls(const ToolWishes& wishes);

// The constraint of such a whole answer, thoughts included: anything up to what opens calls in the
// dialect, behind it calls in the dialect's framing, whose arguments are held to the schemas of
// strict tools and are any object for the others. Behind the mark that closes the calls the answer
// is free again; in dialects without one only further calls or the end may follow. So nothing but
// a call may follow an opener, and of those only style.openers() count; the answer is to be read
// with the same style, and with control tokens as text.
//
// All dialects can do this. Those of tags write held calls as JSON between their outer tags, as
// forced calls; pythonic calls without a mark ("[" at the start) are words then.
// REQUIRES: holds_calls(wishes), style.holds_calls; dialects that hold their answers have
// lead_constraint() and led_answer() instead.
Constraint held_calls(const ToolWishes& wishes, const chat::OutputStyle& style);

// The constraint of how an answer begins: the dialect's before_answer, or calls and their end. A
// schema that cannot be honoured leaves the arguments of its tool free unless that is strict.
// REQUIRES: wishes.tools, dialect.holds_answer.
Constraint lead_constraint(const ToolWishes& wishes, const chat::ToolDialect& dialect);

// The same of the whole answer: behind before_answer comes a message of anything, and behind that
// calls may come, begun by the dialect's body_turn. REQUIRES: also that it has one.
Constraint led_answer(const ToolWishes& wishes, const chat::ToolDialect& dialect);

// A filter that is finished when the first call is, and honours `inner` (null: none) until then.
std::shared_ptr<sample::TokenFilter> make_first_call_filter(
    std::shared_ptr<sample::TokenFilter> inner, chat::OutputStyle style,
    std::shared_ptr<const text::Tokenizer> tokenizer);

}  // namespace chasqui::api
