// What calls must look like, as layouts: whole answers of forced calls, and free answers whose
// calls are held to the schemas of strict tools.
#include <fmt/format.h>

#include <algorithm>

#include "api/internal/tools.h"
#include "grammar/layout.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using grammar::Layout;
using Kind = Layout::Kind;

// Which tools' schemas count: all; all that can be honoured, and those of strict tools; only those
// of strict tools.
enum class Held { kAll, kAllThatCan, kStrict };

Layout sequence(std::vector<Layout> parts) {
  return Layout::of(Kind::kSequence, std::move(parts));
}

Layout choice(std::vector<Layout> parts) {
  return Layout::of(Kind::kChoice, std::move(parts));
}

Layout marked(std::string_view text) {
  return Layout::marked(std::string(text));
}

Layout nothing() {
  return Layout::words("");
}

Layout one_of(std::span<const std::string_view> texts) {
  std::vector<Layout> ways;
  for (const std::string_view text : texts) ways.push_back(marked(text));
  return choice(std::move(ways));
}

// Arguments are an object also where the schema does not say so.
Layout arguments_of(const ToolWishes& wishes, size_t index, Held held) {
  const chat::Tool& tool = (*wishes.tools)[index];
  json::object schema;
  if (held != Held::kStrict || tool.strict) schema = tool.parameters;
  if (!schema.contains("type")) schema["type"] = "object";
  std::string param = wishes.old_style ? fmt::format("functions[{}].parameters", index)
                                       : fmt::format("tools[{}].function.parameters", index);
  return Layout::json(grammar::schema_text(schema), std::move(param),
                      held == Held::kAllThatCan && !tool.strict);
}

// The tools that may be called, with their arguments, which stand in many places of a layout.
class Callables {
 public:
  Callables(const ToolWishes& wishes, Held held) {
    for (size_t i = 0; i < wishes.tools->size(); ++i) {
      const std::string& name = (*wishes.tools)[i].name;
      if (!wishes.forced_name.empty() && name != wishes.forced_name) continue;
      callables_.push_back({name, arguments_of(wishes, i, held)});
    }
  }

  // From the name of one to the end of its call.
  Layout named_call(const Layout& before_arguments, std::string_view after_arguments) const {
    std::vector<Layout> ways;
    for (const auto& [name, arguments] : callables_) {
      ways.push_back(
          sequence({Layout::words(name), before_arguments, arguments, marked(after_arguments)}));
    }
    return choice(std::move(ways));
  }

 private:
  struct Callable {
    std::string name;
    Layout arguments;
  };
  std::vector<Callable> callables_;
};

Layout one_call(const Callables& tools, std::string_view before_name,
                const chat::CallFraming& framing) {
  return sequence({marked(before_name),
                   tools.named_call(marked(framing.before_arguments), framing.after_arguments)});
}

// Calls to the end of what the dialect has around them; `first` stands before the first name.
Layout calls(const Callables& tools, std::string_view first, bool several,
             const chat::CallFraming& framing) {
  std::vector<Layout> parts = {one_call(tools, first, framing)};
  if (several) {
    const Layout further =
        sequence({marked(framing.between), one_call(tools, framing.before_name, framing)});
    parts.push_back(choice({nothing(), Layout::of(Kind::kMany, {further})}));
  }
  parts.push_back(marked(framing.close));
  return sequence(std::move(parts));
}

std::string before_first_name(const chat::CallFraming& framing) {
  return fmt::format("{}{}", framing.open, framing.before_name);
}

// What is left of it behind an opener. An opener that is not the framing's own stands in its place,
// where that is not a part of the call.
std::string behind_opener(std::string_view opener, const chat::OutputStyle& style) {
  const std::string whole = before_first_name(style.dialect->framing);
  if (whole.starts_with(opener)) return whole.substr(opener.size());
  const auto openers = style.openers();
  const auto own =
      std::ranges::find_if(openers, [&](std::string_view each) { return whole.starts_with(each); });
  if (own == openers.end() || chat::is_bracket(*own)) return whole;
  return whole.substr(own->size());
}

struct Ways {
  std::vector<Layout::Mark> marks;
  std::vector<Layout> parts;
  void add(std::string_view mark, bool only_first, Layout part) {
    marks.push_back({std::string(mark), only_first});
    parts.push_back(std::move(part));
  }
  Layout free(std::string before = "") const {
    return Layout::free(marks, parts, std::move(before));
  }
};

// A call without the framing's marks, in a dialect that has them: they may still close it.
Layout bare_call(const Callables& tools, std::string_view bracket,
                 const chat::CallFraming& framing) {
  return sequence({one_call(tools, framing.before_name.substr(bracket.size()), framing),
                   Layout::of(Kind::kMayEnd, {}), marked(framing.close)});
}

Ways ways_into_calls(const ToolWishes& wishes, const chat::OutputStyle& style) {
  const chat::CallFraming& framing = style.dialect->framing;
  // Where the calls' end comes before the next ones, they are calls behind an opener as any.
  const bool is_one_frame = framing.close.empty() || !framing.between.starts_with(framing.close);
  const Callables tools(wishes, Held::kStrict);
  Ways ways;
  for (const std::string_view opener : style.openers()) {
    const bool is_bracket = chat::is_bracket(opener);
    const bool is_bare = is_bracket && !before_first_name(framing).starts_with(opener);
    ways.add(opener, is_bracket,
             is_bare ? bare_call(tools, opener, framing)
                     : calls(tools, behind_opener(opener, style), wishes.parallel && is_one_frame,
                             framing));
  }
  return ways;
}

Layout thoughts(const chat::ThinkMarks& think) {
  Ways ways;
  ways.add(think.close, false, nothing());
  return ways.free();
}

// Thoughts where the model has them, then words, with calls among them. Behind calls that no mark
// closes come only further calls.
Layout framed_answer(const ToolWishes& wishes, const chat::OutputStyle& style) {
  const bool goes_on = wishes.parallel && !style.dialect->framing.close.empty();
  Ways ways = ways_into_calls(wishes, style);
  const Layout words = goes_on ? Layout::of(Kind::kMany, {ways.free()}) : ways.free();
  if (style.starts_thinking) return sequence({thoughts(style.think), words});
  if (!style.has_thoughts()) return words;
  // Thoughts come first or not at all.
  const Layout think = thoughts(style.think);
  ways.add(style.think.open, true, goes_on ? think : sequence({think, words}));
  return goes_on ? sequence({ways.free(), words}) : ways.free();
}

// Messages with headers. A call's header names its tool.
Layout headed_answer(const ToolWishes& wishes, const chat::ToolDialect& dialect) {
  const chat::HeadedStyle& style = *dialect.headed;
  const Callables tools(wishes, Held::kStrict);
  const Layout call = tools.named_call(one_of(style.before_arguments), "");
  Ways body;
  for (const std::string_view end : style.body_ends) body.add(end, false, nothing());
  if (!style.call_mark.empty()) {
    Ways header;
    header.add(style.header_end, false, body.free());
    header.add(style.call_mark, false, call);
    return Layout::of(Kind::kMany, {header.free()});
  }
  const Layout message =
      choice({sequence({call, Layout::of(Kind::kMayEnd, {}), marked(dialect.framing.between)}),
              sequence({marked(style.everybody), one_of(style.before_arguments), body.free()})});
  return Layout::of(Kind::kMany, {message});
}

// One call where one tool is named, else as many as the request allows.
Layout only_calls(const ToolWishes& wishes, const Callables& tools, std::string_view first,
                  const chat::CallFraming& framing) {
  return calls(tools, first, wishes.parallel && wishes.forced_name.empty(), framing);
}

Constraint constraint_of(Layout layout) {
  Constraint constraint = {.kind = Constraint::Kind::kLayout, .param = "tools"};
  constraint.layout = std::move(layout);
  return constraint;
}

}  // namespace

Constraint forced_calls(const ToolWishes& wishes, const chat::ToolDialect& dialect) {
  return constraint_of(only_calls(wishes, Callables(wishes, Held::kAll),
                                  before_first_name(dialect.framing), dialect.framing));
}

Constraint lead_constraint(const ToolWishes& wishes, const chat::ToolDialect& dialect) {
  return constraint_of(choice({marked(dialect.before_answer),
                               only_calls(wishes, Callables(wishes, Held::kAllThatCan),
                                          before_first_name(dialect.framing), dialect.framing)}));
}

Constraint led_answer(const ToolWishes& wishes, const chat::ToolDialect& dialect) {
  const chat::CallFraming& framing = dialect.framing;
  const Callables tools(wishes, Held::kAllThatCan);
  Ways ways;
  ways.add(dialect.headed->body_turn, false, only_calls(wishes, tools, "", framing));
  return constraint_of(choice(
      {sequence({marked(dialect.before_answer), ways.free(std::string(dialect.before_answer))}),
       only_calls(wishes, tools, before_first_name(framing), framing)}));
}

bool holds_calls(const ToolWishes& wishes) {
  return wishes.tools && !wishes.forced &&
         std::ranges::any_of(*wishes.tools, [](const chat::Tool& tool) { return tool.strict; });
}

Constraint held_calls(const ToolWishes& wishes, const chat::OutputStyle& style) {
  return constraint_of(style.dialect->headed != nullptr ? headed_answer(wishes, *style.dialect)
                                                        : framed_answer(wishes, style));
}

}  // namespace chasqui::api
