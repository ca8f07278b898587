// Tokens to a Program: the grammar of Jinja 3.1 (https://jinja.palletsprojects.com), by recursive
// descent with a bounded depth. Throws syntax faults.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/internal/statements.h"
#include "jinja/internal/token.h"

namespace chasqui::jinja {

// Reads tokens one after another.
class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool at(TokenKind kind) const { return peek().kind == kind; }
  bool at_name(std::string_view name) const { return is_name(peek(), name); }
  bool at_symbol(std::string_view symbol) const { return is_symbol(peek(), symbol); }
  bool skip_name(std::string_view name);
  bool skip_symbol(std::string_view symbol);
  void expect_symbol(std::string_view symbol);
  void expect(TokenKind kind, std::string_view what);
  std::string expect_name();
  [[noreturn]] void fail(std::string_view expected) const;

  static bool is_name(const Token& token, std::string_view name) {
    return token.kind == TokenKind::kName && token.text == name;
  }
  static bool is_symbol(const Token& token, std::string_view symbol) {
    return token.kind == TokenKind::kOperator && token.text == symbol;
  }

 private:
  const std::vector<Token> tokens_;
  size_t at_ = 0;
};

// What both halves of the parser share.
class ParserState {
 public:
  ParserState(std::vector<Token> all_tokens, internal::Program& made)
      : tokens(std::move(all_tokens)), program(made) {}

  TokenReader tokens;
  internal::Program& program;
  int depth = 0;
  // Whether a name was asked for since a caller cleared the mark: macros and loops provide some
  // variables only to bodies that look at them.
  bool uses_loop = false, uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

class NestingGuard {
 public:
  explicit NestingGuard(ParserState& state);
  ~NestingGuard() { --state_.depth; }
  NestingGuard(const NestingGuard&) = delete;
  NestingGuard& operator=(const NestingGuard&) = delete;

 private:
  ParserState& state_;
};

class ExpressionParser {
 public:
  explicit ExpressionParser(ParserState& state) : state_(state), tokens_(state.tokens) {}

  // One expression, with an inline `if` where `with_condition`.
  const Expression* expression(bool with_condition = true);
  // One expression, or several with commas between them as a tuple.
  const Expression* tuple(bool with_condition = true);
  // "filter(...) | filter" of a block, on what the block captured.
  const Expression* block_filters();
  const Expression* primary();
  CallSpec call_arguments();

 private:
  const Expression* conditional();
  const Expression* disjunction();
  const Expression* conjunction();
  const Expression* negation();
  const Expression* comparison();
  const Expression* sum();
  const Expression* concatenation();
  const Expression* product();
  const Expression* power();
  const Expression* unary(bool with_filters = true);
  const Expression* postfix(const Expression* node);
  const Expression* filters_and_tests(const Expression* node);
  const Expression* filter(const Expression* subject);
  const Expression* test(const Expression* subject);
  const Expression* subscript(const Expression* owner);
  const Expression* subscript_part(const Expression* owner);
  const Expression* name();
  const Expression* string();
  const Expression* number();
  const Expression* parentheses();
  const Expression* list();
  const Expression* dict();
  std::string dotted_name();
  bool at_tuple_end(bool of_loop) const;

  ParserState& state_;
  TokenReader& tokens_;
};

class StatementParser {
 public:
  explicit StatementParser(ParserState& state)
      : state_(state), tokens_(state.tokens), expressions_(state) {}

  Body whole_template();

 private:
  using Ends = std::initializer_list<std::string_view>;
  // Statements up to a tag that begins with one of `ends`; that word is not consumed.
  Body body(Ends ends);
  // The same, and the tag with that one word.
  Body body_and_end(std::string_view end);
  const Statement* block();
  const Statement* for_loop(int line);
  const Statement* if_block(int line);
  const Statement* set(int line);
  const Statement* macro(int line);
  const Statement* call_block(int line);
  const Statement* filter_block(int line);
  const Statement* with(int line);
  const Statement* scoped_block(int line, std::string_view word);
  const Statement* loop_control(int line, Flow flow);
  const Statement* print(int line);
  void end_of_tag() { tokens_.expect(TokenKind::kBlockEnd, "the end of the tag"); }
  Target target(bool with_attributes);
  Target one_target(bool with_attributes);
  std::vector<MacroSpec::Parameter> parameters();
  // Body and special variables of a macro, up to {% `end` %}.
  void macro_body(MacroSpec& spec, std::string_view end);

  ParserState& state_;
  TokenReader& tokens_;
  ExpressionParser expressions_;
  int loops_ = 0;  // around the statement that is parsed
};

}  // namespace chasqui::jinja
