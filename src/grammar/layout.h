// Text of fixed words and JSON values: what a call of a tool looks like, for instance. A layout is
// compiled to one grammar, whose JSON parts honour their schemas as compile_json_schema() does.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "grammar/grammar.h"

namespace chasqui::grammar {

struct Layout {
  enum class Kind {
    kText,      // exactly `text`
    kSchema,    // JSON text that `schema` accepts, on one line: lost models indent for ever
    kSequence,  // `parts`, one after another
    kChoice,    // one of `parts`
    kMany,      // parts[0], once or several times
  };
  Kind kind = Kind::kText;
  std::string text;                // kText; of kSchema what errors have as `param`
  boost::json::value schema = {};  // kSchema
  std::vector<Layout> parts = {};  // not empty where they count

  static Layout words(std::string text) { return {Kind::kText, std::move(text)}; }
  static Layout json(boost::json::value schema, std::string param) {
    return {Kind::kSchema, std::move(param), std::move(schema)};
  }
  static Layout of(Kind kind, std::vector<Layout> parts) {
    return {kind, "", {}, std::move(parts)};
  }
};

// Marks in <> or [] within words are control tokens where the vocabulary has them as such, and text
// where it has not; an end of generation at the end of words is left out.
// Errors are those of the schemas. REQUIRES: some part of the layout has text.
Result<GrammarPtr> compile_layout(Layout layout, const TokenTablePtr& tokens);

}  // namespace chasqui::grammar
