// Text of fixed words, JSON values and free text: what a call of a tool looks like, for instance,
// or an answer that may have some. A layout is compiled to one grammar, whose JSON parts honour
// their schemas as compile_json_schema() does.
//
// Control tokens come only where a layout says so: as its own marks, and in free text, where each
// counts as the text that it is spelled as.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "grammar/grammar.h"

namespace chasqui::grammar {

// JSON text of a schema. Layouts share it, and equal ones are compiled once.
using SchemaText = std::shared_ptr<const std::string>;
SchemaText schema_text(const boost::json::value& schema);

struct Layout {
  enum class Kind {
    kText,      // exactly `text`, in tokens that are text
    kMarks,     // `text`; what it has of TokenTable::marks() comes as those tokens and not in
                // letters. At a mark that ends the generation, the whole text ends instead
    kSchema,    // JSON text that `schema` accepts, on one line: lost models indent for ever
    kSequence,  // `parts`, one after another
    kChoice,    // one of `parts`
    kMany,      // parts[0], once or several times
    kFree,      // anything up to and with one of `marks`, the first that is complete; then the part
                // of the same index. The whole text may also end before
    kMayEnd,    // nothing: the whole text may end here
  };
  struct Mark {
    std::string text;         // not empty, and in no other mark but at its end
    bool only_first = false;  // counts only where the free text had nothing but white space before
  };
  Kind kind = Kind::kText;
  // kText, kMarks; of kSchema what errors have as `param`; of kFree what stands before, where a
  // mark may begin
  std::string text;
  SchemaText schema = nullptr;     // kSchema
  std::vector<Layout> parts = {};  // not empty where they count
  std::vector<Mark> marks = {};    // kFree: as many as parts
  bool may_give_way = false;       // kSchema: if it is refused, any object may stand there instead

  static Layout words(std::string text) { return {Kind::kText, std::move(text)}; }
  static Layout marked(std::string text) { return {Kind::kMarks, std::move(text)}; }
  static Layout json(SchemaText schema, std::string param, bool may_give_way = false) {
    return {Kind::kSchema, std::move(param), std::move(schema), {}, {}, may_give_way};
  }
  static Layout of(Kind kind, std::vector<Layout> parts) {
    return {kind, "", nullptr, std::move(parts)};
  }
  static Layout free(std::vector<Mark> marks, std::vector<Layout> parts, std::string before = "") {
    return {Kind::kFree, std::move(before), nullptr, std::move(parts), std::move(marks)};
  }
};

// Marks in <> or [] within words are control tokens where the vocabulary has them as such, and text
// where it has not; an end of generation at the end of words is left out.
// Errors are those of the schemas that may not give way. REQUIRES: some part of the layout has
// text.
Result<GrammarPtr> compile_layout(Layout layout, const TokenTablePtr& tokens,
                                  Deadline deadline = compile_deadline());

}  // namespace chasqui::grammar
