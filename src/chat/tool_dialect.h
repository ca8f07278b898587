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

// What stands around the model's thoughts; both "" where it does not mark them.
struct ThinkMarks {
  std::string_view open;
  std::string_view close;
};

class CallReader;  // internal/call_reader.h

// Answers made of messages with headers (internal/headed_parser.h).
struct HeadedStyle {
  std::span<const std::string_view> starts = {};  // of headers; none: a name begins them
  std::string_view header_end;
  std::string_view call_mark = {};     // what stands before a function's name; "": nothing
  std::string_view thought_mark = {};  // headers of thoughts have it; "": there are none
  std::span<const std::string_view> body_ends = {};
  // Begins the header of a call inside a body: a blank, then a start. What proves to be none stays
  // in the body. "": there is none.
  std::string_view body_turn = {};
  // A header is a start, behind call_mark the name of a tool, and header_end. Anything else is
  // content, also where it only comes close.
  bool is_exact = false;
  // Where calls are held to schemas: what models write behind a call's name, and of headers that
  // are names the one of words.
  std::span<const std::string_view> before_arguments = {};
  std::string_view everybody = {};
};

struct ToolDialect {
  std::string_view name;
  // The dialect is spoken where the template has both; "" always fits.
  std::string_view mark;
  std::string_view second_mark;
  // What begins calls. "{" and "[" count only where nothing but white space was said before.
  std::span<const std::string_view> openers;
  std::unique_ptr<CallReader> (*make_reader)(const Tools& tools) = nullptr;
  CallFraming framing;
  // Those of `openers` that count where calls are held to schemas: what opens a call then has to
  // become one, so it must be nothing that plain words begin with. None: all of them.
  std::span<const std::string_view> held_openers = {};
  // Not null: the whole answer is messages with headers, and make_reader is null.
  const HeadedStyle* headed = nullptr;
  bool is_always_headed = false;  // without tools too
  // Of dialects with headers: a constrained answer begins behind this, and all before it is free.
  std::string_view before_answer = {};
  // Where there are tools an answer is held to begin with before_answer or to be calls, whose
  // arguments follow their schemas: the format says so to models that may not know it.
  bool holds_answer = false;
};
std::span<const ToolDialect> tool_dialects();

// Whether an opener is one of those that count only at the start.
bool is_bracket(std::string_view opener);

// The first row whose marks the template has; the last one, "generic", fits every model.
const ToolDialect& tool_dialect_of(std::string_view chat_template);

// The row of that name; null where there is none.
const ToolDialect* find_dialect(std::string_view name);

ThinkMarks think_marks_of(std::string_view chat_template);
// Whether the prompt ends inside the thoughts: the template has opened them for the model.
bool ends_thinking(std::string_view prompt, const ThinkMarks& marks);

// How a model speaks, found out once when its chat format is made.
struct Speech {
  const ToolDialect* dialect = nullptr;  // never null in what speech_of() returns
  ThinkMarks think;
  bool knows_tools = false;  // the format writes tools into the prompt by itself
};
Speech speech_of(std::string_view chat_template);

}  // namespace chasqui::chat
