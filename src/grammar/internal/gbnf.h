// GBNF: rules as trees, their analysis, and the machine that follows those that recurse.
// https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/internal/expr_pool.h"
#include "grammar/token_table.h"

namespace chasqui::grammar {

struct GbnfNode {
  enum class Kind { kExpr, kSequence, kChoice, kRepeat, kRule };
  Kind kind = Kind::kSequence;
  ExprId expr = kEmpty;       // kExpr
  std::vector<size_t> parts;  // kSequence, kChoice: all; kRepeat: one
  uint32_t least = 0;         // kRepeat
  uint32_t most = 0;          // kRepeat
  size_t rule = 0;            // kRule
};

struct GbnfRule {
  std::string name;
  size_t body = 0;    // index of its node
  size_t offset = 0;  // in the source, where it is first named
  bool is_defined = false;

  // From analyse_gbnf().
  bool is_regular = false;  // reaches no rule that reaches itself: is an expression
  bool is_nullable = false;
  bool is_productive = false;  // some text ends it
};

struct GbnfGrammar {
  std::vector<GbnfNode> nodes;  // parts come before what they are parts of
  std::vector<GbnfRule> rules;
  std::vector<size_t> regular;  // from analyse_gbnf(): regular rules, those that they name first
  size_t root = 0;
};

// kInvalidArgument with line and column for what is malformed, undefined or recursive to the left.
// `tokens`: whose literals the source may have.
Result<GbnfGrammar> parse_gbnf(std::string_view source, ExprPool& pool, const TokenTable& tokens);
Status analyse_gbnf(GbnfGrammar& grammar, std::string_view source, const ExprPool& pool);

// "line 3, column 7: what"
Error gbnf_error(std::string_view source, size_t offset, std::string_view what);

}  // namespace chasqui::grammar
