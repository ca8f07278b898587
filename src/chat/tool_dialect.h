// How models write calls of tools and what they think. A dialect is a row of tool_dialects.cc;
// which one a model speaks is read from its chat template. Immutable; any thread.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::chat {

// A function that the model may call, as the request describes it.
struct Tool {
  std::string name;
  std::string description;
  boost::json::object parameters;  // JSON schema of the arguments, an object
  bool strict = false;
};
using Tools = std::vector<Tool>;

// What stands around the parts of a call that is forced:
//   open (before_name NAME before_arguments ARGUMENTS after_arguments) between (...) close
// Our own parser of the dialect reads it back whatever the name and the arguments are.
struct CallFraming {
  std::string_view open;
  std::string_view before_name;
  std::string_view before_arguments;
  std::string_view after_arguments;
  std::string_view between;
  std::string_view close;
};

class CallReader;  // internal/call_reader.h

struct ToolDialect {
  std::string_view name;
  // The dialect is spoken where the template has both; "" always fits.
  std::string_view mark;
  std::string_view second_mark;
  // What begins calls. "{" counts only where nothing but white space was said before it.
  std::span<const std::string_view> openers;
  std::unique_ptr<CallReader> (*make_reader)(const Tools& tools);
  CallFraming framing;
};
std::span<const ToolDialect> tool_dialects();

// The first row whose marks the template has; the last one, "generic", fits every model.
const ToolDialect& tool_dialect_of(std::string_view chat_template);

// Whether the template writes tools into the prompt by itself.
bool template_knows_tools(std::string_view chat_template);

// What stands around the model's thoughts; both "" where the template does not speak of them.
struct ThinkMarks {
  std::string_view open;
  std::string_view close;
};
ThinkMarks think_marks_of(std::string_view chat_template);
// Whether the prompt ends inside the thoughts: the template has opened them for the model.
bool ends_thinking(std::string_view prompt, const ThinkMarks& marks);

}  // namespace chasqui::chat
