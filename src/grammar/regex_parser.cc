#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "grammar/grammar.h"
#include "grammar/internal/regex.h"
#include "grammar/internal/regex_classes.h"
#include "grammar/internal/utf8_ranges.h"

namespace chasqui::grammar {
namespace {

using Kind = RegexNode::Kind;

constexpr size_t kMaxSource = 64 << 10;
constexpr uint32_t kMaxCount = 1'000'000;  // of {m,n}: counters, so only their digits are bounded

class Parser {
 public:
  Parser(std::string_view source, ExprPool& pool) : cursor_(source, pool), pool_(pool) {}

  Result<RegexTree> parse() {
    CHASQUI_TRY(const size_t root, choice(0));
    if (!cursor_.at_end()) return cursor_.error("unexpected ')'");
    // The root comes last whatever it was built from.
    if (root + 1 != tree_.size()) add({.kind = Kind::kSequence, .parts = {root}});
    return std::move(tree_);
  }

 private:
  size_t add(RegexNode node) {
    const bool is_anchor =
        node.kind == Kind::kBegin || node.kind == Kind::kEnd || node.kind == Kind::kLook;
    node.pure = !is_anchor &&
                std::ranges::all_of(node.parts, [this](size_t part) { return tree_[part].pure; });
    tree_.push_back(std::move(node));
    return tree_.size() - 1;
  }

  Result<size_t> choice(size_t depth) {
    if (depth > CompileLimits::kDepth) return cursor_.error("groups are nested too deeply");
    std::vector<size_t> parts;
    do {
      CHASQUI_TRY(const size_t part, sequence(depth));
      parts.push_back(part);
    } while (cursor_.take('|'));
    if (parts.size() == 1) return parts.front();
    return add({.kind = Kind::kChoice, .parts = std::move(parts)});
  }

  Result<size_t> sequence(size_t depth) {
    std::vector<size_t> parts;
    while (!cursor_.at_end() && cursor_.peek() != '|' && cursor_.peek() != ')') {
      CHASQUI_TRY(const size_t atom, atom_or_anchor(depth));
      CHASQUI_TRY(const size_t repeated, quantified(atom));
      const bool joins = !parts.empty() && tree_[repeated].kind == Kind::kText &&
                         tree_[parts.back()].kind == Kind::kText;
      if (joins) {
        tree_[parts.back()].text += tree_[repeated].text;
      } else {
        parts.push_back(repeated);
      }
    }
    if (parts.size() == 1) return parts.front();
    return add({.kind = Kind::kSequence, .parts = std::move(parts)});
  }

  Result<size_t> quantified(size_t atom) {
    if (cursor_.at_end()) return atom;
    CHASQUI_TRY(const auto count, quantifier());
    if (!count) return atom;
    const Kind kind = tree_[atom].kind;
    if (kind == Kind::kBegin || kind == Kind::kEnd || kind == Kind::kLook) {
      return cursor_.error("nothing to repeat");
    }
    cursor_.take('?');  // lazy or not, the language is the same
    if (!cursor_.at_end() && (cursor_.peek() == '*' || cursor_.peek() == '+')) {
      return cursor_.error("nothing to repeat");
    }
    return add(
        {.kind = Kind::kRepeat, .parts = {atom}, .least = count->first, .most = count->second});
  }

  using Count = std::optional<std::pair<uint32_t, uint32_t>>;
  Result<Count> quantifier() {
    if (cursor_.take('*')) return Count({0, kUnbounded});
    if (cursor_.take('+')) return Count({1, kUnbounded});
    if (cursor_.take('?')) return Count({0, 1});
    if (cursor_.at_end() || cursor_.peek() != '{') return Count();
    const size_t start = cursor_.position();
    cursor_.take('{');
    const std::optional<uint32_t> least = cursor_.number(kMaxCount);
    std::optional<uint32_t> most = least;
    if (cursor_.take(',')) most = cursor_.digit_next() ? cursor_.number(kMaxCount) : kUnbounded;
    if (!least || !most || !cursor_.take('}')) {
      // A brace that begins no count is a character, as browsers read it.
      cursor_.set_position(start);
      return Count();
    }
    if (*most < *least) return cursor_.error("numbers out of order in {}");
    return Count({*least, *most});
  }

  Result<size_t> atom_or_anchor(size_t depth) {
    if (cursor_.take('^')) return add({.kind = Kind::kBegin});
    if (cursor_.take('$')) return add({.kind = Kind::kEnd});
    if (cursor_.take('(')) return group(depth);
    const char next = cursor_.peek();
    if (next == '*' || next == '+' || next == '?') return cursor_.error("nothing to repeat");
    if (next == '.') {
      cursor_.take('.');
      const CodeRange ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
      return add({.kind = Kind::kExpr, .expr = pool_.code_points(invert_ranges(ends))});
    }
    CHASQUI_TRY(const std::vector<CodeRange> ranges, read_class_or_character(cursor_));
    if (ranges.size() == 1 && ranges[0].first == ranges[0].last) {
      std::string text;
      append_code_point(ranges[0].first, text);
      return add({.kind = Kind::kText, .text = std::move(text)});
    }
    return add({.kind = Kind::kExpr, .expr = pool_.code_points(ranges)});
  }

  Result<size_t> group(size_t depth) {
    std::optional<bool> look;  // negative?
    if (cursor_.take('?')) {
      if (cursor_.take('=')) {
        look = false;
      } else if (cursor_.take('!')) {
        look = true;
      } else if (cursor_.take('<')) {
        CHASQUI_TRY_STATUS(group_name());
      } else if (!cursor_.take(':')) {
        return cursor_.unsupported("this kind of group");
      }
    }
    CHASQUI_TRY(const size_t inner, choice(depth + 1));
    if (!cursor_.take(')')) return cursor_.error("a group is not closed");
    if (look) return add({.kind = Kind::kLook, .parts = {inner}, .negative = *look});
    // A group of its own, so that a quantifier behind it takes all of it.
    return add({.kind = Kind::kSequence, .parts = {inner}});
  }

  Status group_name() {
    if (cursor_.at_end() || cursor_.peek() == '=' || cursor_.peek() == '!') {
      return cursor_.unsupported("look-behind");
    }
    while (!cursor_.at_end() && cursor_.peek() != '>') cursor_.next();
    if (!cursor_.take('>')) return cursor_.error("a group's name is not closed");
    return {};
  }

  RegexCursor cursor_;
  ExprPool& pool_;
  RegexTree tree_;
};

}  // namespace

Result<RegexTree> parse_regex(std::string_view source, ExprPool& pool) {
  if (source.size() > kMaxSource) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the expression has {} bytes; at most {} are allowed", source.size(),
                            kMaxSource));
  }
  return Parser(source, pool).parse();
}

}  // namespace chasqui::grammar
