#include <algorithm>
#include <array>

#include "jinja/internal/fault.h"
#include "jinja/internal/token.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

// "\r\n" and "\r" become "\n", and one newline at the very end goes.
std::string normalise_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t at = 0; at < source.size(); ++at) {
    if (source[at] != '\r') {
      out += source[at];
      continue;
    }
    out += '\n';
    if (at + 1 < source.size() && source[at + 1] == '\n') ++at;
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_name_start(std::string_view text) {
  if (text.empty()) return false;
  const char c = text[0];
  if ((c & 0x80) != 0) return is_alpha(code_point(text.substr(0, char_bytes(text))));
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_name_part(std::string_view text) {
  return is_name_start(text) || (!text.empty() && text[0] >= '0' && text[0] <= '9');
}

bool is_decimal(char c) {
  return c >= '0' && c <= '9';
}

int digit_value(char c) {
  if (is_decimal(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// The escapes of Python's string literals.
class Unescaper {
 public:
  explicit Unescaper(std::string_view body) : rest_(body) {}

  std::string run() {
    std::string out;
    while (!rest_.empty()) {
      const size_t plain = std::min(rest_.find('\\'), rest_.size());
      out += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (rest_.size() > 1) {
        escape(out);
      } else {
        out += rest_;
        rest_ = {};
      }
    }
    return out;
  }

 private:
  void escape(std::string& out) {
    constexpr std::string_view kLetters = "\\'\"abfnrtv";
    constexpr std::string_view kMeaning = "\\'\"\a\b\f\n\r\t\v";
    const char letter = rest_[1];
    rest_.remove_prefix(2);
    const size_t known = kLetters.find(letter);
    if (known != std::string_view::npos) {
      out += kMeaning[known];
    } else if (letter == 'x') {
      number(out, 16, 2, 2, "\\x");
    } else if (letter == 'u') {
      number(out, 16, 4, 4, "\\u");
    } else if (letter == 'U') {
      number(out, 16, 8, 8, "\\U");
    } else if (letter >= '0' && letter <= '7') {
      rest_ = {rest_.data() - 1, rest_.size() + 1};
      number(out, 8, 1, 3, "\\");
    } else if (letter != '\n') {  // an escaped newline joins lines
      out += '\\';
      out += letter;
    }
  }

  void number(std::string& out, int base, size_t least, size_t most, std::string_view prefix) {
    int64_t code = 0;
    size_t digits = 0;
    while (digits < std::min(most, rest_.size()) && digit_value(rest_[digits]) < base) {
      code = code * base + digit_value(rest_[digits++]);
    }
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    if (digits < least || code > 0x10FFFF || surrogate) {
      out += prefix;  // Python refuses these; as plain characters they do no harm
      return;
    }
    rest_.remove_prefix(digits);
    append_code_point(out, static_cast<int32_t>(code));
  }

  std::string_view rest_;
};

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(normalise_newlines(source)), rest_(source_) {}

  std::vector<Token> run() {
    while (!rest_.empty()) text_and_tag();
    add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  void add(TokenKind kind, std::string text) {
    if (kind == TokenKind::kText && text.empty()) return;
    tokens_.push_back({kind, std::move(text), line_});
  }

  // Moves on by `bytes`, counting lines.
  std::string_view advance(size_t bytes) {
    const std::string_view taken = rest_.substr(0, bytes);
    line_ += static_cast<int>(std::count(taken.begin(), taken.end(), '\n'));
    line_starting_ = taken.ends_with('\n');
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // Text up to the next tag, and that tag.
  void text_and_tag() {
    size_t open = rest_.find('{');
    while (open != std::string_view::npos && !opens_tag(rest_.substr(open))) {
      open = rest_.find('{', open + 1);
    }
    if (open == std::string_view::npos) {
      add(TokenKind::kText, std::string(rest_));
      advance(rest_.size());
      return;
    }
    const char kind = rest_[open + 1];
    const char sign = open + 2 < rest_.size() ? rest_[open + 2] : 0;
    const bool signed_tag = sign == '-' || sign == '+';
    add(TokenKind::kText, std::string(before_tag(rest_.substr(0, open), kind, sign)));
    advance(open);
    const size_t inside = signed_tag ? 3 : 2;
    if (kind == '#') return comment(inside);
    if (kind == '%' && raw_block(inside)) return;
    const bool variable = kind == '{';
    add(variable ? TokenKind::kVariableBegin : TokenKind::kBlockBegin, "");
    const int opened = line_;
    advance(inside);
    tag(variable, opened);
  }

  static bool opens_tag(std::string_view text) {
    return text.size() > 1 && (text[1] == '{' || text[1] == '%' || text[1] == '#');
  }

  // What is left of the text before a tag: "-" takes all white space, lstrip_blocks takes that of
  // a line which holds nothing else.
  std::string_view before_tag(std::string_view text, char kind, char sign) const {
    if (sign == '-') return text.substr(0, text.size() - trailing_space(text));
    if (sign == '+' || kind == '{') return text;
    const size_t newline = text.rfind('\n');
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    if (line == 0 && !line_starting_) return text;
    const std::string_view indent = text.substr(line);
    return leading_space(indent) == indent.size() ? text.substr(0, line) : text;
  }

  // Bytes of a tag's end at the front of the rest, with the white space that it takes; 0: none.
  size_t tag_end(std::string_view close, bool plus_allowed) const {
    if (plus_allowed && rest_.starts_with('+') && rest_.substr(1).starts_with(close)) {
      return 1 + close.size();
    }
    if (rest_.starts_with('-') && rest_.substr(1).starts_with(close)) {
      const size_t end = 1 + close.size();
      return end + leading_space(rest_.substr(end));
    }
    if (!rest_.starts_with(close)) return 0;
    // trim_blocks: the newline after a block or a comment goes.
    const bool newline = plus_allowed && rest_.substr(close.size()).starts_with('\n');
    return close.size() + (newline ? 1 : 0);
  }

  void comment(size_t inside) {
    const int opened = line_;
    advance(inside);
    while (!rest_.empty()) {
      if (const size_t end = tag_end("#}", true)) {
        advance(end);
        return;
      }
      advance(1);
    }
    syntax_fault(opened, "a comment is not closed");
  }

  // {% raw %}...{% endraw %}; false where the tag is another one.
  bool raw_block(size_t inside) {
    const size_t end = word_tag(rest_, inside, "raw", false);
    if (end == 0) return false;
    const int opened = line_;
    advance(end);
    for (size_t at = rest_.find("{%"); at != std::string_view::npos;
         at = rest_.find("{%", at + 1)) {
      const std::string_view tag = rest_.substr(at);
      const char sign = tag.size() > 2 ? tag[2] : 0;
      const size_t size = word_tag(tag, sign == '-' || sign == '+' ? 3 : 2, "endraw", true);
      if (size == 0) continue;
      add(TokenKind::kText, std::string(before_tag(rest_.substr(0, at), '%', sign)));
      advance(at + size);
      return true;
    }
    syntax_fault(opened, "a raw block is not closed");
  }

  // Bytes of the tag that `text` starts with, if it holds just `word`; else 0.
  static size_t word_tag(std::string_view text, size_t inside, std::string_view word, bool trims) {
    size_t at = inside + leading_space(text.substr(std::min(inside, text.size())));
    if (at > text.size() || !text.substr(at).starts_with(word)) return 0;
    at += word.size();
    at += leading_space(text.substr(at));
    const std::string_view end = text.substr(at);
    if (end.starts_with("-%}")) return at + 3 + leading_space(end.substr(3));
    if (trims && end.starts_with("+%}")) return at + 3;
    if (!end.starts_with("%}")) return 0;
    return at + (trims && end.substr(2).starts_with('\n') ? 3 : 2);
  }

  // The inside of {{ }} or {% %}, and its end.
  void tag(bool variable, int opened) {
    std::string open_brackets;  // closed by the last one first; inside of them "}}" ends nothing
    for (;;) {
      advance(leading_space(rest_));
      if (rest_.empty()) syntax_fault(opened, "a tag is not closed");
      if (open_brackets.empty()) {
        if (const size_t end = tag_end(variable ? "}}" : "%}", !variable)) {
          add(variable ? TokenKind::kVariableEnd : TokenKind::kBlockEnd, "");
          advance(end);
          return;
        }
      }
      token(open_brackets);
    }
  }

  void token(std::string& open_brackets) {
    if (is_name_start(rest_)) {
      size_t size = 0;
      while (size < rest_.size() && is_name_part(rest_.substr(size))) {
        size += char_bytes(rest_.substr(size));
      }
      add(TokenKind::kName, std::string(rest_.substr(0, size)));
      advance(size);
    } else if (is_decimal(rest_[0])) {
      number();
    } else if (rest_[0] == '\'' || rest_[0] == '"') {
      string();
    } else {
      symbol(open_brackets);
    }
  }

  // Digits of `base` with single "_" between them, from `at`; returns where they end.
  size_t digits_end(size_t at, int base) const {
    while (at < rest_.size()) {
      const bool joined =
          rest_[at] == '_' && at + 1 < rest_.size() && digit_value(rest_[at + 1]) < base;
      if (digit_value(rest_[at]) >= base && !joined) break;
      ++at;
    }
    return at;
  }

  void number() {
    constexpr std::string_view kBases = "xXoObB";
    const size_t base_at =
        rest_.size() > 2 && rest_[0] == '0' ? kBases.find(rest_[1]) : kBases.npos;
    TokenKind kind = TokenKind::kInteger;
    size_t end = 0;
    if (base_at != kBases.npos) {
      constexpr std::array<int, 3> kValues = {16, 8, 2};
      end = digits_end(2, kValues[base_at / 2]);
    } else {
      end = digits_end(0, 10);
      if (end + 1 < rest_.size() && rest_[end] == '.' && is_decimal(rest_[end + 1])) {
        kind = TokenKind::kFloat;
        end = digits_end(end + 1, 10);
      }
      if (const size_t past = exponent_end(end); past != end) {
        kind = TokenKind::kFloat;
        end = past;
      }
    }
    std::string text(rest_.substr(0, end));
    std::erase(text, '_');
    add(kind, std::move(text));
    advance(end);
  }

  size_t exponent_end(size_t at) const {
    if (at >= rest_.size() || (rest_[at] != 'e' && rest_[at] != 'E')) return at;
    size_t digits = at + 1;
    if (digits < rest_.size() && (rest_[digits] == '+' || rest_[digits] == '-')) ++digits;
    return digits < rest_.size() && is_decimal(rest_[digits]) ? digits_end(digits, 10) : at;
  }

  void string() {
    const char quote = rest_[0];
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != quote) end += rest_[end] == '\\' ? 2 : 1;
    if (end >= rest_.size()) syntax_fault(line_, "a string is not closed");
    add(TokenKind::kString, Unescaper(rest_.substr(1, end - 1)).run());
    advance(end + 1);
  }

  void symbol(std::string& open_brackets) {
    constexpr std::array<std::string_view, 6> kPairs = {"//", "**", "==", "!=", "<=", ">="};
    constexpr std::string_view kSingles = "+-*/%~[](){}<>=.:|,;";
    size_t size = 1;
    for (const std::string_view pair : kPairs) {
      if (rest_.starts_with(pair)) size = 2;
    }
    const char c = rest_[0];
    if (size == 1 && kSingles.find(c) == std::string_view::npos) {
      syntax_fault(
          line_, "unexpected character '" + std::string(rest_.substr(0, char_bytes(rest_))) + "'");
    }
    if (c == '(') open_brackets += ')';
    if (c == '[') open_brackets += ']';
    if (c == '{') open_brackets += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open_brackets.empty() || open_brackets.back() != c) {
        syntax_fault(line_, "unexpected '" + std::string(1, c) + "'");
      }
      open_brackets.pop_back();
    }
    add(TokenKind::kOperator, std::string(rest_.substr(0, size)));
    advance(size);
  }

  const std::string source_;
  std::string_view rest_;  // of source_
  int line_ = 1;
  bool line_starting_ = true;  // what was taken last ended in a newline
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace chasqui::jinja
