// Regular expressions in the syntax of ECMA-262 (with the `u` flag's view of characters), as far as
// they are regular: everything but back references and word boundaries; look-ahead outside of
// repetitions. A tree first, then an expression, built from the end so that `$`, look-ahead and
// whatever follows them are joined exactly.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/internal/expr_pool.h"

namespace chasqui::grammar {

struct RegexNode {
  enum class Kind { kExpr, kText, kSequence, kChoice, kRepeat, kBegin, kEnd, kLook };
  Kind kind = Kind::kSequence;
  ExprId expr = kEmpty;       // kExpr: one character of a class
  std::string text;           // kText: as it is
  std::vector<size_t> parts;  // kSequence, kChoice: all; kRepeat, kLook: one
  uint32_t least = 0;         // kRepeat
  uint32_t most = 0;          // kRepeat
  bool negative = false;      // kLook
  bool pure = true;           // no kBegin, kEnd or kLook inside
};

// Nodes refer to each other by index; the last one is the root.
using RegexTree = std::vector<RegexNode>;

// Errors: kInvalidArgument with the place ("character 7: ..."), kUnsupported for what is not
// regular here.
Result<RegexTree> parse_regex(std::string_view source, ExprPool& pool);

enum class RegexMatch {
  kWhole,     // the whole text matches
  kSomewhere  // some part of it does, as in JSON Schema
};
// What parse_regex() refuses, and kUnsupported for anchors where they cannot be placed.
Result<ExprId> compile_regex_expr(std::string_view source, RegexMatch match, ExprPool& pool);

}  // namespace chasqui::grammar
