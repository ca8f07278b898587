// What must be known of rules before a machine can follow them.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "grammar/internal/gbnf.h"

namespace chasqui::grammar {
namespace {

using Kind = GbnfNode::Kind;

// A property of nodes and rules that spreads from the leaves: each node and each rule is looked at
// once for every part of it that has come to have the property. `of_node(node, count)`: whether a
// node of which so many parts have it has it too.
template <typename OfNode>
class Spread {
 public:
  Spread(const GbnfGrammar& grammar, const OfNode& of_node)
      : nodes(grammar.nodes.size(), false),
        rules(grammar.rules.size(), false),
        grammar_(grammar),
        of_node_(of_node),
        counts_(nodes.size(), 0),
        parents_(nodes.size(), kNone),
        bodies_(nodes.size()),
        callers_(rules.size()) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      for (const size_t part : grammar_.nodes[i].parts) parents_[part] = i;
      if (grammar_.nodes[i].kind == Kind::kRule) callers_[grammar_.nodes[i].rule].push_back(i);
    }
    for (size_t i = 0; i < rules.size(); ++i) bodies_[grammar_.rules[i].body].push_back(i);
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (grammar_.nodes[i].kind != Kind::kRule) look_at(i);
    }
    while (!todo_.empty()) {
      const size_t node = todo_.back();
      todo_.pop_back();
      spread(node);
    }
  }

  std::vector<bool> nodes;
  std::vector<bool> rules;

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  void look_at(size_t node) {
    if (!nodes[node] && of_node_(grammar_.nodes[node], counts_[node])) set(node);
  }
  void set(size_t node) {
    nodes[node] = true;
    todo_.push_back(node);
  }
  void spread(size_t node) {
    if (const size_t parent = parents_[node]; parent != kNone) {
      ++counts_[parent];
      look_at(parent);
    }
    for (const size_t rule : bodies_[node]) {
      if (rules[rule]) continue;
      rules[rule] = true;
      for (const size_t caller : callers_[rule]) set(caller);
    }
  }

  const GbnfGrammar& grammar_;
  const OfNode& of_node_;
  std::vector<size_t> counts_;                // of parts that have it
  std::vector<size_t> parents_;               // a node is part of one other at most
  std::vector<std::vector<size_t>> bodies_;   // by node: rules whose body it is
  std::vector<std::vector<size_t>> callers_;  // by rule: nodes that name it
  std::vector<size_t> todo_;
};

// Rules that each rule's body names; with `only_first`, those that may be reached before anything
// is read.
std::vector<std::vector<size_t>> calls(const GbnfGrammar& grammar, bool only_first,
                                       const std::vector<bool>& nullable) {
  std::vector<std::vector<size_t>> by_rule(grammar.rules.size());
  for (size_t i = 0; i < grammar.rules.size(); ++i) {
    std::vector<size_t> todo = {grammar.rules[i].body};
    while (!todo.empty()) {
      const GbnfNode& node = grammar.nodes[todo.back()];
      todo.pop_back();
      if (node.kind == Kind::kRule) by_rule[i].push_back(node.rule);
      for (const size_t part : node.parts) {
        todo.push_back(part);
        if (only_first && node.kind == Kind::kSequence && !nullable[part]) break;
      }
    }
    std::ranges::sort(by_rule[i]);
    by_rule[i].erase(std::unique(by_rule[i].begin(), by_rule[i].end()), by_rule[i].end());
  }
  return by_rule;
}

// Rules that can never come back to where they began, callees first: repeatedly take away what
// calls only such.
std::vector<size_t> acyclic(const std::vector<std::vector<size_t>>& calls) {
  std::vector<std::vector<size_t>> callers(calls.size());
  std::vector<size_t> open(calls.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < calls.size(); ++i) {
    open[i] = calls[i].size();
    if (open[i] == 0) order.push_back(i);
    for (const size_t callee : calls[i]) callers[callee].push_back(i);
  }
  for (size_t at = 0; at < order.size(); ++at) {
    for (const size_t caller : callers[order[at]]) {
      if (--open[caller] == 0) order.push_back(caller);
    }
  }
  return order;
}

// A rule that reaches itself; nullopt where none does. Outside of `order` every rule calls another
// one that is outside: whoever follows such calls comes round.
std::optional<size_t> find_loop(const std::vector<std::vector<size_t>>& calls,
                                const std::vector<size_t>& order) {
  std::vector<bool> is_safe(calls.size(), false);
  for (const size_t rule : order) is_safe[rule] = true;
  const auto start = std::ranges::find(is_safe, false);
  if (start == is_safe.end()) return std::nullopt;
  std::vector<bool> seen(calls.size(), false);
  auto rule = static_cast<size_t>(start - is_safe.begin());
  while (!seen[rule]) {
    seen[rule] = true;
    rule = *std::ranges::find_if(calls[rule], [&](size_t callee) { return !is_safe[callee]; });
  }
  return rule;
}

}  // namespace

Status analyse_gbnf(GbnfGrammar& grammar, std::string_view source, const ExprPool& pool) {
  const auto has_enough = [](const GbnfNode& node, size_t count) {
    if (node.kind == Kind::kChoice) return count > 0;
    if (node.kind == Kind::kRepeat) return node.least == 0 || count > 0;
    return count == node.parts.size();
  };
  const auto is_nullable = [&](const GbnfNode& node, size_t count) {
    return node.kind == Kind::kExpr ? pool.nullable(node.expr) : has_enough(node, count);
  };
  const auto is_productive = [&](const GbnfNode& node, size_t count) {
    return node.kind == Kind::kExpr ? node.expr != kNever : has_enough(node, count);
  };
  const Spread nullable(grammar, is_nullable);
  const Spread productive(grammar, is_productive);
  for (size_t i = 0; i < grammar.rules.size(); ++i) {
    grammar.rules[i].is_nullable = nullable.rules[i];
    grammar.rules[i].is_productive = productive.rules[i];
  }
  grammar.regular = acyclic(calls(grammar, false, nullable.nodes));
  for (const size_t rule : grammar.regular) grammar.rules[rule].is_regular = true;
  const auto first_calls = calls(grammar, true, nullable.nodes);
  if (const auto loop = find_loop(first_calls, acyclic(first_calls))) {
    const GbnfRule& rule = grammar.rules[*loop];
    return fail(gbnf_error(source, rule.offset,
                           fmt::format("the rule {} calls itself before it has read anything "
                                       "(left recursion); write it as a repetition",
                                       rule.name)));
  }
  const GbnfRule& root = grammar.rules[grammar.root];
  if (root.is_productive) return {};
  return fail(gbnf_error(source, root.offset, "no text ever ends the rule root"));
}

}  // namespace chasqui::grammar
