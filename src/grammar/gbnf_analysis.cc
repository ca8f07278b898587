// What must be known of rules before a machine can follow them.
#include <fmt/format.h>

#include <algorithm>

#include "grammar/internal/gbnf.h"

namespace chasqui::grammar {
namespace {

using Kind = GbnfNode::Kind;

// A property of nodes and rules that grows from the leaves until nothing changes. `of_leaf(node)`
// and `of_parts(node, count of parts that have it)` say when a node has it; `rule_has` holds it.
template <typename OfNode>
void grow(const GbnfGrammar& grammar, const OfNode& of_node, std::vector<bool>& by_node,
          std::vector<bool>& by_rule) {
  by_node.assign(grammar.nodes.size(), false);
  by_rule.assign(grammar.rules.size(), false);
  for (bool changes = true; changes;) {
    changes = false;
    for (size_t i = 0; i < grammar.nodes.size(); ++i) {
      const GbnfNode& node = grammar.nodes[i];
      size_t count = 0;
      for (const size_t part : node.parts) count += by_node[part];
      by_node[i] = node.kind == Kind::kRule ? by_rule[node.rule] : of_node(node, count);
    }
    for (size_t i = 0; i < grammar.rules.size(); ++i) {
      if (by_rule[i] || !by_node[grammar.rules[i].body]) continue;
      by_rule[i] = true;
      changes = true;
    }
  }
}

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

// Rules that can never come back to where they began: repeatedly take away what calls only such.
std::vector<bool> acyclic(const std::vector<std::vector<size_t>>& calls) {
  std::vector<std::vector<size_t>> callers(calls.size());
  std::vector<size_t> open(calls.size());
  std::vector<size_t> todo;
  for (size_t i = 0; i < calls.size(); ++i) {
    open[i] = calls[i].size();
    if (open[i] == 0) todo.push_back(i);
    for (const size_t callee : calls[i]) callers[callee].push_back(i);
  }
  std::vector<bool> is_acyclic(calls.size(), false);
  while (!todo.empty()) {
    const size_t rule = todo.back();
    todo.pop_back();
    is_acyclic[rule] = true;
    for (const size_t caller : callers[rule]) {
      if (--open[caller] == 0) todo.push_back(caller);
    }
  }
  return is_acyclic;
}

// Whether `start` reaches itself.
bool reaches_itself(const std::vector<std::vector<size_t>>& calls, size_t start) {
  std::vector<bool> seen(calls.size(), false);
  std::vector<size_t> todo = {start};
  while (!todo.empty()) {
    const size_t rule = todo.back();
    todo.pop_back();
    for (const size_t callee : calls[rule]) {
      if (callee == start) return true;
      if (seen[callee]) continue;
      seen[callee] = true;
      todo.push_back(callee);
    }
  }
  return false;
}

}  // namespace

Status analyse_gbnf(GbnfGrammar& grammar, std::string_view source, const ExprPool& pool) {
  std::vector<bool> nullable_nodes;
  std::vector<bool> nullable_rules;
  grow(
      grammar,
      [&](const GbnfNode& node, size_t count) {
        if (node.kind == Kind::kExpr) return pool.nullable(node.expr);
        if (node.kind == Kind::kChoice) return count > 0;
        if (node.kind == Kind::kRepeat) return node.least == 0 || count > 0;
        return count == node.parts.size();
      },
      nullable_nodes, nullable_rules);
  std::vector<bool> productive_nodes;
  std::vector<bool> productive_rules;
  grow(
      grammar,
      [&](const GbnfNode& node, size_t count) {
        if (node.kind == Kind::kExpr) return node.expr != kNever;
        if (node.kind == Kind::kChoice) return count > 0;
        if (node.kind == Kind::kRepeat) return node.least == 0 || count > 0;
        return count == node.parts.size();
      },
      productive_nodes, productive_rules);
  const auto regular = acyclic(calls(grammar, false, nullable_nodes));
  const auto first_calls = calls(grammar, true, nullable_nodes);
  const auto safe = acyclic(first_calls);
  for (size_t i = 0; i < grammar.rules.size(); ++i) {
    GbnfRule& rule = grammar.rules[i];
    rule.is_regular = regular[i];
    rule.is_nullable = nullable_rules[i];
    rule.is_productive = productive_rules[i];
    if (!safe[i] && reaches_itself(first_calls, i)) {
      return fail(gbnf_error(source, rule.offset,
                             fmt::format("the rule {} calls itself before it has read anything "
                                         "(left recursion); write it as a repetition",
                                         rule.name)));
    }
  }
  const GbnfRule& root = grammar.rules[grammar.root];
  if (root.is_productive) return {};
  return fail(gbnf_error(source, root.offset, "no text ever ends the rule root"));
}

}  // namespace chasqui::grammar
