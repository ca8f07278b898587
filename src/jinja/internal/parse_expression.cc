#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "jinja/internal/fault.h"
#include "jinja/internal/parser.h"

namespace chasqui::jinja {
namespace {

template <typename Operation>
struct Symbol {
  std::string_view text;
  Operation operation;
};

constexpr Symbol<Arithmetic> kSums[] = {{"+", Arithmetic::kAdd}, {"-", Arithmetic::kSubtract}};
constexpr Symbol<Arithmetic> kProducts[] = {{"*", Arithmetic::kMultiply},
                                            {"/", Arithmetic::kDivide},
                                            {"//", Arithmetic::kFloorDivide},
                                            {"%", Arithmetic::kModulo}};
constexpr Symbol<Comparator> kComparators[] = {
    {"==", Comparator::kEqual},  {"!=", Comparator::kNotEqual},
    {"<", Comparator::kLess},    {"<=", Comparator::kLessEqual},
    {">", Comparator::kGreater}, {">=", Comparator::kGreaterEqual},
};

// The operation whose symbol comes next, consumed; nullopt: another token comes.
template <typename Operation, size_t N>
std::optional<Operation> take_operation(TokenReader& tokens, const Symbol<Operation> (&table)[N]) {
  for (const Symbol<Operation>& row : table) {
    if (tokens.skip_symbol(row.text)) return row.operation;
  }
  return std::nullopt;
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kVariableEnd:
      return "'}}'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kText:
    case TokenKind::kVariableBegin:
    case TokenKind::kBlockBegin:
      return "text";
    case TokenKind::kString:
      return "a string";
    default:
      return "'" + token.text + "'";
  }
}

}  // namespace

bool TokenReader::skip_name(std::string_view name) {
  if (!at_name(name)) return false;
  next();
  return true;
}

bool TokenReader::skip_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  next();
  return true;
}

void TokenReader::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) fail("'" + std::string(symbol) + "'");
}

void TokenReader::expect(TokenKind kind, std::string_view what) {
  if (!at(kind)) fail(what);
  next();
}

std::string TokenReader::expect_name() {
  if (!at(TokenKind::kName)) fail("a name");
  return next().text;
}

void TokenReader::fail(std::string_view expected) const {
  syntax_fault(peek().line, "expected " + std::string(expected) + ", got " + describe(peek()));
}

NestingGuard::NestingGuard(ParserState& state) : state_(state) {
  if (++state_.depth > Template::kMaxNesting) {
    throw Fault{TemplateError::Kind::kLimit,
                "the template nests more than " + std::to_string(Template::kMaxNesting) + " deep",
                state.tokens.peek().line};
  }
}

const Expression* ExpressionParser::expression(bool with_condition) {
  const NestingGuard guard(state_);
  return with_condition ? conditional() : disjunction();
}

const Expression* ExpressionParser::tuple(bool with_condition) {
  const int line = tokens_.peek().line;
  std::vector<const Expression*> items;
  bool is_tuple = false;
  while (!at_tuple_end(!with_condition)) {
    items.push_back(expression(with_condition));
    if (!tokens_.skip_symbol(",")) break;
    is_tuple = true;
  }
  if (items.empty()) tokens_.fail("an expression");
  if (!is_tuple) return items[0];
  return state_.program.make<ListLiteral>(line, std::move(items), ListKind::kTuple);
}

bool ExpressionParser::at_tuple_end(bool of_loop) const {
  return tokens_.at(TokenKind::kVariableEnd) || tokens_.at(TokenKind::kBlockEnd) ||
         tokens_.at_symbol(")") || (of_loop && tokens_.at_name("recursive"));
}

const Expression* ExpressionParser::conditional() {
  const int line = tokens_.peek().line;
  const Expression* node = disjunction();
  while (tokens_.skip_name("if")) {
    const Expression* condition = disjunction();
    const Expression* otherwise = tokens_.skip_name("else") ? expression() : nullptr;
    node = state_.program.make<Conditional>(line, condition, node, otherwise);
  }
  return node;
}

const Expression* ExpressionParser::disjunction() {
  const int line = tokens_.peek().line;
  const Expression* left = conjunction();
  while (tokens_.skip_name("or")) {
    left = state_.program.make<Logical>(line, left, false, conjunction());
  }
  return left;
}

const Expression* ExpressionParser::conjunction() {
  const int line = tokens_.peek().line;
  const Expression* left = negation();
  while (tokens_.skip_name("and")) {
    left = state_.program.make<Logical>(line, left, true, negation());
  }
  return left;
}

const Expression* ExpressionParser::negation() {
  const NestingGuard guard(state_);
  const int line = tokens_.peek().line;
  if (!tokens_.skip_name("not")) return comparison();
  return state_.program.make<UnaryOperation>(line, Unary::kNot, negation());
}

const Expression* ExpressionParser::comparison() {
  const int line = tokens_.peek().line;
  const Expression* first = sum();
  Comparison::Links links;
  for (;;) {
    if (const auto comparator = take_operation(tokens_, kComparators)) {
      links.emplace_back(*comparator, sum());
    } else if (tokens_.skip_name("in")) {
      links.emplace_back(Comparator::kIn, sum());
    } else if (tokens_.at_name("not") && TokenReader::is_name(tokens_.peek(1), "in")) {
      tokens_.next();
      tokens_.next();
      links.emplace_back(Comparator::kNotIn, sum());
    } else {
      break;
    }
  }
  if (links.empty()) return first;
  return state_.program.make<Comparison>(line, first, std::move(links));
}

const Expression* ExpressionParser::sum() {
  const int line = tokens_.peek().line;
  const Expression* left = concatenation();
  while (const auto operation = take_operation(tokens_, kSums)) {
    left = state_.program.make<BinaryOperation>(line, left, *operation, concatenation());
  }
  return left;
}

const Expression* ExpressionParser::concatenation() {
  const int line = tokens_.peek().line;
  std::vector<const Expression*> parts = {product()};
  while (tokens_.skip_symbol("~")) parts.push_back(product());
  if (parts.size() == 1) return parts[0];
  return state_.program.make<Concatenation>(line, std::move(parts));
}

const Expression* ExpressionParser::product() {
  const int line = tokens_.peek().line;
  const Expression* left = power();
  while (const auto operation = take_operation(tokens_, kProducts)) {
    left = state_.program.make<BinaryOperation>(line, left, *operation, power());
  }
  return left;
}

const Expression* ExpressionParser::power() {
  const int line = tokens_.peek().line;
  const Expression* left = unary();
  while (tokens_.skip_symbol("**")) {
    left = state_.program.make<BinaryOperation>(line, left, Arithmetic::kPower, unary());
  }
  return left;
}

const Expression* ExpressionParser::unary(bool with_filters) {
  const NestingGuard guard(state_);
  const int line = tokens_.peek().line;
  const Expression* node = nullptr;
  if (tokens_.skip_symbol("-")) {
    node = state_.program.make<UnaryOperation>(line, Unary::kNegative, unary(false));
  } else if (tokens_.skip_symbol("+")) {
    node = state_.program.make<UnaryOperation>(line, Unary::kPositive, unary(false));
  } else {
    node = primary();
  }
  node = postfix(node);
  return with_filters ? filters_and_tests(node) : node;
}

const Expression* ExpressionParser::postfix(const Expression* node) {
  for (;;) {
    const int line = tokens_.peek().line;
    if (tokens_.at_symbol(".") || tokens_.at_symbol("[")) {
      node = subscript(node);
    } else if (tokens_.at_symbol("(")) {
      node = state_.program.make<Call>(line, node, call_arguments());
    } else {
      return node;
    }
  }
}

const Expression* ExpressionParser::filters_and_tests(const Expression* node) {
  for (;;) {
    const int line = tokens_.peek().line;
    if (tokens_.skip_symbol("|")) {
      node = filter(node);
    } else if (tokens_.skip_name("is")) {
      node = test(node);
    } else if (tokens_.at_symbol("(")) {
      node = state_.program.make<Call>(line, node, call_arguments());
    } else {
      return node;
    }
  }
}

const Expression* ExpressionParser::block_filters() {
  const Expression* node = filter(nullptr);
  while (tokens_.skip_symbol("|")) node = filter(node);
  return node;
}

std::string ExpressionParser::dotted_name() {
  std::string name = tokens_.expect_name();
  while (tokens_.skip_symbol(".")) name += "." + tokens_.expect_name();
  return name;
}

const Expression* ExpressionParser::filter(const Expression* subject) {
  const int line = tokens_.peek().line;
  std::string name = dotted_name();
  CallSpec arguments;
  if (tokens_.at_symbol("(")) arguments = call_arguments();
  return state_.program.make<Filter>(line, subject, std::move(name), std::move(arguments));
}

// A test takes arguments in parentheses, or a single one without.
const Expression* ExpressionParser::test(const Expression* subject) {
  const int line = tokens_.peek().line;
  const bool negated = tokens_.skip_name("not");
  std::string name = dotted_name();
  CallSpec arguments;
  const Token& token = tokens_.peek();
  const bool is_word = token.kind == TokenKind::kName && token.text != "else" &&
                       token.text != "or" && token.text != "and" && token.text != "is" &&
                       token.text != "if";
  const bool is_literal = token.kind == TokenKind::kString || token.kind == TokenKind::kInteger ||
                          token.kind == TokenKind::kFloat || tokens_.at_symbol("[") ||
                          tokens_.at_symbol("{");
  if (tokens_.at_symbol("(")) {
    arguments = call_arguments();
  } else if (is_word || is_literal) {
    arguments.positional.push_back(postfix(primary()));
  }
  const Expression* node =
      state_.program.make<Test>(line, subject, std::move(name), std::move(arguments));
  return negated ? state_.program.make<UnaryOperation>(line, Unary::kNot, node) : node;
}

const Expression* ExpressionParser::subscript(const Expression* owner) {
  const int line = tokens_.peek().line;
  if (tokens_.skip_symbol("[")) {
    const Expression* node = subscript_part(owner);
    tokens_.expect_symbol("]");
    return node;
  }
  tokens_.expect_symbol(".");
  if (tokens_.at(TokenKind::kInteger)) {
    return state_.program.make<Item>(line, owner, number());
  }
  return state_.program.make<Attribute>(line, owner, tokens_.expect_name());
}

// key, or begin:end:step with any of them left out.
const Expression* ExpressionParser::subscript_part(const Expression* owner) {
  const int line = tokens_.peek().line;
  Slice::Bounds bounds;
  if (!tokens_.at_symbol(":")) {
    const Expression* key = expression();
    if (tokens_.at_symbol(",")) {
      std::vector<const Expression*> keys = {key};
      while (tokens_.skip_symbol(",")) keys.push_back(expression());
      key = state_.program.make<ListLiteral>(line, std::move(keys), ListKind::kTuple);
    }
    if (!tokens_.at_symbol(":")) return state_.program.make<Item>(line, owner, key);
    bounds.begin = key;
  }
  tokens_.expect_symbol(":");
  if (!tokens_.at_symbol("]") && !tokens_.at_symbol(":")) bounds.end = expression();
  if (tokens_.skip_symbol(":") && !tokens_.at_symbol("]")) bounds.step = expression();
  return state_.program.make<Slice>(line, owner, bounds);
}

CallSpec ExpressionParser::call_arguments() {
  CallSpec call;
  tokens_.expect_symbol("(");
  while (!tokens_.at_symbol(")")) {
    if (tokens_.skip_symbol("**")) {
      call.more_named = expression();
    } else if (tokens_.skip_symbol("*")) {
      call.more_positional = expression();
    } else if (tokens_.at(TokenKind::kName) && TokenReader::is_symbol(tokens_.peek(1), "=")) {
      std::string name = tokens_.next().text;
      tokens_.next();
      call.named.emplace_back(std::move(name), expression());
    } else {
      if (!call.named.empty() || call.more_named != nullptr) {
        tokens_.fail("a named argument after the first one");
      }
      call.positional.push_back(expression());
    }
    if (!tokens_.skip_symbol(",")) break;
  }
  tokens_.expect_symbol(")");
  return call;
}

const Expression* ExpressionParser::primary() {
  const Token& token = tokens_.peek();
  switch (token.kind) {
    case TokenKind::kName:
      return name();
    case TokenKind::kString:
      return string();
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return number();
    case TokenKind::kOperator:
      if (token.text == "(") return parentheses();
      if (token.text == "[") return list();
      if (token.text == "{") return dict();
      break;
    default:
      break;
  }
  tokens_.fail("an expression");
}

const Expression* ExpressionParser::name() {
  const Token token = tokens_.next();
  const std::string& text = token.text;
  internal::Program& program = state_.program;
  if (text == "true" || text == "True") {
    return program.make<Constant>(token.line, Value::boolean(true));
  }
  if (text == "false" || text == "False") {
    return program.make<Constant>(token.line, Value::boolean(false));
  }
  if (text == "none" || text == "None") return program.make<Constant>(token.line, Value::none());
  state_.uses_loop |= text == "loop";
  state_.uses_caller |= text == "caller";
  state_.uses_varargs |= text == "varargs";
  state_.uses_kwargs |= text == "kwargs";
  return program.make<Name>(token.line, program.name_id(text), text);
}

// Strings that stand next to each other are one.
const Expression* ExpressionParser::string() {
  const int line = tokens_.peek().line;
  std::string text;
  while (tokens_.at(TokenKind::kString)) text += tokens_.next().text;
  return state_.program.make<Constant>(line, Value::string(std::move(text), Origin::kTemplate));
}

const Expression* ExpressionParser::number() {
  const Token token = tokens_.next();
  if (token.kind == TokenKind::kFloat) {
    double value = 0;
    std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
    return state_.program.make<Constant>(token.line, Value::number(value));
  }
  std::string_view digits = token.text;
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && digits[1] > '9') {
    const char kind = digits[1];
    base = kind == 'x' || kind == 'X' ? 16 : (kind == 'o' || kind == 'O' ? 8 : 2);
    digits.remove_prefix(2);
  }
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc()) syntax_fault(token.line, "an integer does not fit 64 bits");
  return state_.program.make<Constant>(token.line, Value::integer(value));
}

const Expression* ExpressionParser::parentheses() {
  const int line = tokens_.next().line;
  if (tokens_.skip_symbol(")")) {
    return state_.program.make<ListLiteral>(line, std::vector<const Expression*>(),
                                            ListKind::kTuple);
  }
  const Expression* node = tuple();
  tokens_.expect_symbol(")");
  return node;
}

const Expression* ExpressionParser::list() {
  const int line = tokens_.next().line;
  std::vector<const Expression*> items;
  while (!tokens_.at_symbol("]")) {
    items.push_back(expression());
    if (!tokens_.skip_symbol(",")) break;
  }
  tokens_.expect_symbol("]");
  return state_.program.make<ListLiteral>(line, std::move(items), ListKind::kList);
}

const Expression* ExpressionParser::dict() {
  const int line = tokens_.next().line;
  DictLiteral::Entries entries;
  while (!tokens_.at_symbol("}")) {
    const Expression* key = expression();
    tokens_.expect_symbol(":");
    entries.emplace_back(key, expression());
    if (!tokens_.skip_symbol(",")) break;
  }
  tokens_.expect_symbol("}");
  return state_.program.make<DictLiteral>(line, std::move(entries));
}

}  // namespace chasqui::jinja
