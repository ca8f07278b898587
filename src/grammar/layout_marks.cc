#include "grammar/internal/layout_marks.h"

#include "grammar/internal/token_literal.h"

namespace chasqui::grammar {
namespace {

struct Mark {
  int32_t token = -1;
  size_t size = 0;  // of its spelling; 0: there is none
};

// The longest mark that `text` begins with.
Mark mark_at(std::string_view text, const TokenTable& tokens) {
  const bool may_begin = text.front() == '<' || text.front() == '[';
  const char close = text.front() == '<' ? '>' : ']';
  Mark mark;
  for (size_t end = may_begin ? text.find(close) : text.npos; end != text.npos;
       end = text.find(close, end + 1)) {
    const auto token = tokens.named(std::string(text.substr(0, end + 1)));
    if (token && tokens.piece(*token).empty()) mark = {*token, end + 1};
  }
  return mark;
}

std::string with_literals(std::string_view text, const TokenTable& tokens) {
  std::string out;
  while (!text.empty()) {
    const Mark mark = mark_at(text, tokens);
    const bool ends = mark.size > 0 && tokens.is_end(mark.token);
    if (ends && mark.size == text.size()) return out;
    if (mark.size == 0 || ends) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    for (const uint8_t byte : token_literal(mark.token)) out += static_cast<char>(byte);
    text.remove_prefix(mark.size);
  }
  return out;
}

}  // namespace

void use_control_tokens(Layout& layout, const TokenTable& tokens) {
  if (layout.kind == Layout::Kind::kText) layout.text = with_literals(layout.text, tokens);
  for (Layout& part : layout.parts) use_control_tokens(part, tokens);
}

}  // namespace chasqui::grammar
