// What a chat request says of tools, and what becomes of it: the constraint of forced calls, the
// end after the first call.
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

// Calls in the dialect's framing: of the tool with the forced name or of any, several where they
// may be. REQUIRES (here and below): wishes.tools.
Constraint call_constraint(const ToolWishes& wishes, const chat::ToolDialect& dialect);

// The dialect's before_answer, or calls. REQUIRES: dialect.holds_answer.
Constraint lead_constraint(const ToolWishes& wishes, const chat::ToolDialect& dialect);

// A filter that is finished when the first call is, and honours `inner` (null: none) until then.
std::shared_ptr<sample::TokenFilter> make_first_call_filter(
    std::shared_ptr<sample::TokenFilter> inner, chat::OutputStyle style,
    std::shared_ptr<const text::Tokenizer> tokenizer);

}  // namespace chasqui::api
