// Regex tree to expression, by continuations: build(node, rest) matches node and then rest.
#include <fmt/format.h>

#include "grammar/internal/regex.h"

namespace chasqui::grammar {
namespace {

using Kind = RegexNode::Kind;

class Builder {
 public:
  Builder(const RegexTree& tree, ExprPool& pool) : tree_(tree), pool_(pool) {}

  // `at_start`: nothing of the text has been read before the node.
  Result<ExprId> build(size_t at, ExprId rest, bool at_start) {
    const RegexNode& node = tree_[at];
    if (node.pure) return pool_.concat(pure(at), rest);
    switch (node.kind) {
      case Kind::kBegin:
        return at_start ? rest : kNever;
      case Kind::kEnd:
        return pool_.nullable(rest) ? kEmpty : kNever;
      case Kind::kLook:
        return look(node, rest, at_start);
      case Kind::kChoice:
        return choice(node, rest, at_start);
      case Kind::kSequence:
        return sequence(node, rest, at_start);
      default:
        return repeat(node, rest, at_start);
    }
  }

 private:
  ExprId pure(size_t at) {
    const RegexNode& node = tree_[at];
    switch (node.kind) {
      case Kind::kExpr:
        return node.expr;
      case Kind::kText:
        return pool_.word(node.text);
      case Kind::kChoice:
        return pure_choice(node);
      case Kind::kRepeat:
        return pool_.repeat(pure(node.parts[0]), node.least, node.most);
      default: {
        ExprId all = kEmpty;
        for (size_t i = node.parts.size(); i-- > 0;) all = pool_.concat(pure(node.parts[i]), all);
        return all;
      }
    }
  }

  // Fixed texts go into one table: thousands of them cost no more than one.
  ExprId pure_choice(const RegexNode& node) {
    std::vector<std::string> texts;
    std::vector<ExprId> others;
    for (const size_t part : node.parts) {
      if (tree_[part].kind == Kind::kText) {
        texts.push_back(tree_[part].text);
      } else {
        others.push_back(pure(part));
      }
    }
    if (!texts.empty()) others.push_back(pool_.words(std::move(texts)));
    return pool_.any_of(std::move(others));
  }

  Result<ExprId> look(const RegexNode& node, ExprId rest, bool at_start) {
    CHASQUI_TRY(const ExprId ahead, build(node.parts[0], pool_.any_text(), at_start));
    return pool_.all_of({node.negative ? pool_.negate(ahead) : ahead, rest});
  }

  Result<ExprId> choice(const RegexNode& node, ExprId rest, bool at_start) {
    std::vector<ExprId> parts;
    for (const size_t part : node.parts) {
      CHASQUI_TRY(const ExprId built, build(part, rest, at_start));
      parts.push_back(built);
    }
    return pool_.any_of(std::move(parts));
  }

  // Whether the node never reads anything, like the anchors.
  bool has_no_width(size_t at) const {
    const Kind kind = tree_[at].kind;
    return kind == Kind::kBegin || kind == Kind::kEnd || kind == Kind::kLook;
  }

  Result<ExprId> sequence(const RegexNode& node, ExprId rest, bool at_start) {
    std::vector<bool> starts;
    for (const size_t part : node.parts) {
      starts.push_back(at_start);
      if (!has_no_width(part)) at_start = false;
    }
    for (size_t i = node.parts.size(); i-- > 0;) {
      if (!starts[i] && i > 0 && has_begin(node.parts[i]) && starts[0] && may_be_empty(node, i)) {
        return fail(ErrorCode::kUnsupported, "^ behind something optional is not supported");
      }
      CHASQUI_TRY(rest, build(node.parts[i], rest, starts[i]));
    }
    return rest;
  }

  bool has_begin(size_t at) const {
    const RegexNode& node = tree_[at];
    if (node.pure) return false;
    if (node.kind == Kind::kBegin) return true;
    for (const size_t part : node.parts) {
      if (has_begin(part)) return true;
    }
    return false;
  }

  // Whether the parts before `end` may together match "".
  bool may_be_empty(const RegexNode& node, size_t end) {
    for (size_t i = 0; i < end; ++i) {
      const size_t part = node.parts[i];
      if (tree_[part].pure && !pool_.nullable(pure(part))) return false;
    }
    return true;
  }

  // Repetitions of what holds an anchor: only once or not at all.
  Result<ExprId> repeat(const RegexNode& node, ExprId rest, bool at_start) {
    if (node.most == 1) {
      CHASQUI_TRY(const ExprId once, build(node.parts[0], rest, at_start));
      return node.least == 1 ? once : pool_.any_of({once, rest});
    }
    // (...|$)*: no turn can follow one that ended at the end of the text. Turns without anchor
    // repeat, and the others come last.
    return fail(ErrorCode::kUnsupported,
                "an anchor or look-ahead inside a repetition is not supported");
  }

  const RegexTree& tree_;
  ExprPool& pool_;
};

}  // namespace

Result<ExprId> compile_regex_expr(std::string_view source, RegexMatch match, ExprPool& pool) {
  CHASQUI_TRY(const RegexTree tree, parse_regex(source, pool));
  Builder builder(tree, pool);
  const size_t root = tree.size() - 1;
  if (match == RegexMatch::kWhole) return builder.build(root, kEmpty, true);
  CHASQUI_TRY(const ExprId first, builder.build(root, pool.any_text(), true));
  CHASQUI_TRY(const ExprId later, builder.build(root, pool.any_text(), false));
  if (pool.nullable(first) && first == pool.any_text()) return first;
  return pool.any_of({first, pool.concat(pool.any_text(), later)});
}

}  // namespace chasqui::grammar
