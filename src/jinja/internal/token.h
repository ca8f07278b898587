// Tokens of a template, and the lexer that makes them. Whitespace control (trim_blocks,
// lstrip_blocks, "-", "+") is settled here: what remains as text is what is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::jinja {

enum class TokenKind : uint8_t {
  kText,           // outside of any tag
  kVariableBegin,  // {{
  kVariableEnd,    // }}
  kBlockBegin,     // {%
  kBlockEnd,       // %}
  kName,
  kString,   // unescaped
  kInteger,  // without "_", with its base's prefix
  kFloat,
  kOperator,  // + - * / // % ** ~ [ ] ( ) { } == != < <= > >= = . : | , ;
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 1;
};

// Ends with one kEnd. Throws a syntax fault.
std::vector<Token> tokenize(std::string_view source);

}  // namespace chasqui::jinja
