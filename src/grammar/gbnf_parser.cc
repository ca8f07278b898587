#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "grammar/grammar.h"
#include "grammar/internal/gbnf.h"
#include "grammar/internal/regex_classes.h"
#include "grammar/internal/utf8_ranges.h"

namespace chasqui::grammar {
namespace {

using Kind = GbnfNode::Kind;

constexpr size_t kMaxNodes = 200'000;
constexpr uint32_t kMaxCount = 1'000'000;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class Parser {
 public:
  Parser(std::string_view source, ExprPool& pool, const TokenTable& tokens)
      : source_(source), cursor_(source, pool), pool_(pool), tokens_(tokens) {}

  Result<GbnfGrammar> parse() {
    skip_space(true);
    while (!cursor_.at_end()) {
      CHASQUI_TRY_STATUS(rule());
      skip_space(true);
    }
    const auto root = by_name_.find("root");
    if (root == by_name_.end()) return error_at(0, "there is no rule named root");
    grammar_.root = root->second;
    for (const GbnfRule& rule : grammar_.rules) {
      if (!rule.is_defined) {
        return error_at(rule.offset, fmt::format("the rule {} is not defined", rule.name));
      }
    }
    return std::move(grammar_);
  }

 private:
  tl::unexpected<Error> error_at(size_t offset, std::string_view what) const {
    return fail(gbnf_error(source_, offset, what));
  }
  tl::unexpected<Error> error(std::string_view what) const {
    return error_at(cursor_.position(), what);
  }

  // Blanks and comments, and line ends where they mean nothing.
  void skip_space(bool over_lines) {
    while (!cursor_.at_end()) {
      const char next = cursor_.peek();
      const bool is_line_end = next == '\n' || next == '\r';
      if (next == '#') {
        while (!cursor_.at_end() && cursor_.peek() != '\n')
          cursor_.set_position(cursor_.position() + 1);
      } else if (next == ' ' || next == '\t' || (is_line_end && over_lines)) {
        cursor_.take(next);
      } else {
        return;
      }
    }
  }

  Result<size_t> add(GbnfNode node) {
    if (grammar_.nodes.size() >= kMaxNodes) return error("the grammar is too large");
    grammar_.nodes.push_back(std::move(node));
    return grammar_.nodes.size() - 1;
  }
  Result<size_t> add(ExprId expr) { return add({.kind = Kind::kExpr, .expr = expr}); }

  std::string name() {
    const size_t start = cursor_.position();
    while (!cursor_.at_end() && is_name_char(cursor_.peek())) cursor_.take(cursor_.peek());
    return std::string(source_.substr(start, cursor_.position() - start));
  }

  size_t rule_named(const std::string& text, size_t offset) {
    const auto [place, is_new] = by_name_.try_emplace(text, grammar_.rules.size());
    if (is_new) grammar_.rules.push_back({.name = text, .offset = offset});
    return place->second;
  }

  Status rule() {
    const size_t start = cursor_.position();
    const std::string text = name();
    if (text.empty()) return error("expected the name of a rule");
    skip_space(false);
    if (!(cursor_.take(':') && cursor_.take(':') && cursor_.take('=')))
      return error("expected ::=");
    const size_t index = rule_named(text, start);
    if (grammar_.rules[index].is_defined) {
      return error_at(start, fmt::format("the rule {} is defined twice", text));
    }
    grammar_.rules[index].is_defined = true;
    grammar_.rules[index].offset = start;
    skip_space(true);
    CHASQUI_TRY(const size_t body, choice(0));
    grammar_.rules[index].body = body;
    const bool is_end = cursor_.at_end() || cursor_.peek() == '\n' || cursor_.peek() == '\r';
    if (!is_end) return error("expected the end of the line");
    return {};
  }

  // Over line ends when an alternative follows them.
  bool take_bar(bool over_lines) {
    const size_t before = cursor_.position();
    skip_space(true);
    if (cursor_.take('|')) return true;
    if (!over_lines) cursor_.set_position(before);
    return false;
  }

  Result<size_t> choice(size_t depth) {
    if (depth > CompileLimits::kDepth) return error("groups are nested too deeply");
    std::vector<size_t> parts;
    do {
      skip_space(true);
      CHASQUI_TRY(const size_t part, sequence(depth));
      parts.push_back(part);
    } while (take_bar(depth > 0));
    if (parts.size() == 1) return parts.front();
    return add({.kind = Kind::kChoice, .parts = std::move(parts)});
  }

  Result<size_t> sequence(size_t depth) {
    std::vector<size_t> parts;
    while (true) {
      skip_space(depth > 0);
      CHASQUI_TRY(const std::optional<size_t> item, element(depth));
      if (!item) break;
      size_t part = *item;
      skip_space(depth > 0);
      while (true) {  // a*{2} and the like
        CHASQUI_TRY(const auto count, quantifier());
        if (!count) break;
        CHASQUI_TRY(part, add({.kind = Kind::kRepeat,
                               .parts = {part},
                               .least = count->first,
                               .most = count->second}));
        skip_space(depth > 0);
      }
      parts.push_back(part);
    }
    if (parts.size() == 1) return parts.front();
    return add({.kind = Kind::kSequence, .parts = std::move(parts)});
  }

  using Count = std::optional<std::pair<uint32_t, uint32_t>>;
  Result<Count> quantifier() {
    if (cursor_.take('*')) return Count({0, kUnbounded});
    if (cursor_.take('+')) return Count({1, kUnbounded});
    if (cursor_.take('?')) return Count({0, 1});
    if (!cursor_.take('{')) return Count();
    skip_space(false);
    uint32_t least = cursor_.digit_next() ? cursor_.number(kMaxCount).value_or(kUnbounded) : 0;
    skip_space(false);
    uint32_t most = least;
    if (cursor_.take(',')) {
      skip_space(false);
      most = kUnbounded;
      const bool is_bounded = cursor_.digit_next();
      if (is_bounded) most = cursor_.number(kMaxCount).value_or(kUnbounded);
      if (is_bounded && most == kUnbounded) least = kUnbounded;  // too large
      skip_space(false);
    }
    if (!cursor_.take('}')) return error("expected } behind a number of repetitions");
    if (least == kUnbounded || most < least) {
      return error("a number of repetitions is too large, or they are out of order");
    }
    return Count({least, most});
  }

  // nullopt where none begins.
  Result<std::optional<size_t>> element(size_t depth) {
    using Found = std::optional<size_t>;
    if (cursor_.at_end()) return Found();
    const size_t start = cursor_.position();
    const char next = cursor_.peek();
    if (next == '"') {
      cursor_.take('"');
      CHASQUI_TRY(const std::string text, literal(start));
      CHASQUI_TRY(const size_t node, add(text.empty() ? kEmpty : pool_.word(text)));
      return Found(node);
    }
    if (next == '[') {
      cursor_.take('[');
      CHASQUI_TRY(const ExprId expr, bracketed(start));
      CHASQUI_TRY(const size_t node, add(expr));
      return Found(node);
    }
    if (next == '.') {
      cursor_.take('.');
      CHASQUI_TRY(const size_t node, add(pool_.any_char()));
      return Found(node);
    }
    if (next == '(') {
      cursor_.take('(');
      CHASQUI_TRY(const size_t inner, choice(depth + 1));
      skip_space(true);
      if (!cursor_.take(')')) return error("expected ) for the group that was opened");
      return Found(inner);
    }
    if (next == '<' || next == '!') {
      const bool negated = cursor_.take('!');
      CHASQUI_TRY(const int32_t token, token_literal());
      CHASQUI_TRY(const size_t node, add(negated ? pool_.other_token(token) : pool_.token(token)));
      return Found(node);
    }
    if (!is_name_char(next)) return Found();
    const std::string text = name();
    const size_t rule = rule_named(text, start);
    CHASQUI_TRY(const size_t node, add({.kind = Kind::kRule, .rule = rule}));
    return Found(node);
  }

  // <[123]> by number, <think> by spelling.
  Result<int32_t> token_literal() {
    const size_t start = cursor_.position();
    if (!cursor_.take('<')) return error("expected < behind !");
    int32_t token = -1;
    if (cursor_.take('[')) {
      const auto number = cursor_.number(static_cast<uint32_t>(tokens_.size() - 1));
      if (!number) {
        return error(fmt::format("expected a token from 0 to {}", tokens_.size() - 1));
      }
      token = static_cast<int32_t>(*number);
      if (!(cursor_.take(']') && cursor_.take('>'))) return error("expected ]> behind a token");
    } else {
      const size_t end = source_.find_first_of(">\n", start);
      if (end == source_.npos || source_[end] == '\n') {
        return error_at(start, "this token is not closed");
      }
      const std::string spelling(source_.substr(start, end + 1 - start));
      cursor_.set_position(end + 1);
      const std::optional<int32_t> named = tokens_.named(spelling);
      if (!named) {
        return error_at(start, fmt::format("the vocabulary has no token that is spelled {}",
                                           spelling.substr(0, 100)));
      }
      token = *named;
    }
    if (!tokens_.is_end(token)) return token;
    return error_at(start,
                    "this token ends the generation, which needs no literal: it may come "
                    "wherever the text is whole");
  }

  Result<uint32_t> character(std::string_view what, size_t start) {
    if (cursor_.at_end() || cursor_.peek() == '\n') {
      return error_at(start, fmt::format("this {} is not closed", what));
    }
    if (!cursor_.take('\\')) return cursor_.next();
    if (cursor_.at_end()) return error("nothing behind a backslash");
    const uint32_t escaped = cursor_.next();
    constexpr std::pair<char, int> kHex[] = {{'x', 2}, {'u', 4}, {'U', 8}};
    for (const auto& [letter, digits] : kHex) {
      if (escaped != static_cast<uint32_t>(letter)) continue;
      const std::optional<uint32_t> value = cursor_.hex(digits);
      const bool is_character = value && *value <= 0x10FFFF && (*value < 0xD800 || *value > 0xDFFF);
      if (!is_character) return error("malformed number in an escape");
      return *value;
    }
    if (escaped == 't') return uint32_t{'\t'};
    if (escaped == 'r') return uint32_t{'\r'};
    if (escaped == 'n') return uint32_t{'\n'};
    const bool is_letter = escaped < 128 && is_name_char(static_cast<char>(escaped)) &&
                           escaped != '-' && escaped != '_';
    if (is_letter) return error("unknown escape");
    return escaped;
  }

  Result<std::string> literal(size_t start) {
    std::string text;
    while (!cursor_.take('"')) {
      CHASQUI_TRY(const uint32_t code, character("literal", start));
      append_code_point(code, text);
    }
    return text;
  }

  Result<ExprId> bracketed(size_t start) {
    const bool negated = cursor_.take('^');
    std::vector<CodeRange> ranges;
    while (!cursor_.take(']')) {
      CHASQUI_TRY(const uint32_t first, character("class", start));
      uint32_t last = first;
      const size_t before = cursor_.position();
      if (cursor_.take('-')) {
        if (!cursor_.at_end() && cursor_.peek() == ']') {
          cursor_.set_position(before);
        } else {
          CHASQUI_TRY(last, character("class", start));
        }
      }
      if (last < first) return error("range out of order in a class");
      ranges.push_back({first, last});
    }
    if (negated) ranges = invert_ranges(ranges);
    return pool_.code_points(ranges);
  }

  std::string_view source_;
  RegexCursor cursor_;
  ExprPool& pool_;
  const TokenTable& tokens_;
  GbnfGrammar grammar_;
  std::map<std::string, size_t> by_name_;
};

}  // namespace

Error gbnf_error(std::string_view source, size_t offset, std::string_view what) {
  size_t line = 1;
  size_t column = 1;
  for (const char c : source.substr(0, offset)) {
    ++column;
    if (c != '\n') continue;
    ++line;
    column = 1;
  }
  return {ErrorCode::kInvalidArgument, fmt::format("line {}, column {}: {}", line, column, what),
          ""};
}

Result<GbnfGrammar> parse_gbnf(std::string_view source, ExprPool& pool, const TokenTable& tokens) {
  return Parser(source, pool, tokens).parse();
}

}  // namespace chasqui::grammar
