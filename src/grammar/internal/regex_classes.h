// Reading of single characters and classes in regular expressions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/internal/expr_pool.h"

namespace chasqui::grammar {

// A place in a pattern that is being read.
class RegexCursor {
 public:
  RegexCursor(std::string_view text, ExprPool& pool) : text_(text), pool_(pool) {}

  ExprPool& pool() { return pool_; }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }  // REQUIRES: not at_end()
  bool take(char expected) {
    if (at_end() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }
  // One code point; bytes that are no UTF-8 count as themselves. REQUIRES: not at_end()
  uint32_t next();
  bool digit_next() const { return !at_end() && peek() >= '0' && peek() <= '9'; }
  // Decimal digits, at least one; nullopt without, and above `most`.
  std::optional<uint32_t> number(uint32_t most);
  // `digits` hexadecimal digits.
  std::optional<uint32_t> hex(int digits);
  size_t position() const { return at_; }
  void set_position(size_t at) { at_ = at; }

  tl::unexpected<Error> error(std::string_view what) const;
  tl::unexpected<Error> unsupported(std::string_view what) const;

 private:
  std::string_view text_;
  ExprPool& pool_;
  size_t at_ = 0;
};

// A bracketed class, an escape, or a character that stands for itself.
Result<std::vector<CodeRange>> read_class_or_character(RegexCursor& cursor);

}  // namespace chasqui::grammar
