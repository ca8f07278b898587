#include "grammar/internal/gbnf_machine.h"

#include <algorithm>

namespace chasqui::grammar {
namespace {

using Kind = GbnfNode::Kind;

// Ways at once beyond which a grammar is too ambiguous to follow.
constexpr size_t kMaxThreads = 4'000;
constexpr size_t kReturnOp = 0;
constexpr uint32_t kAcceptOp = 0xFFFFFFFF;

}  // namespace

GbnfMachine::GbnfMachine(std::shared_ptr<ExprPool> pool, const GbnfGrammar& grammar)
    : pool_(std::move(pool)), grammar_(grammar) {
  stacks_.put(std::vector<uint32_t>{});
  states_.put(std::vector<uint32_t>{});
  rule_exprs_.assign(grammar_.rules.size(), kNever);
  for (const GbnfNode& node : grammar_.nodes) {
    const bool is_pure = node.kind == Kind::kRule
                             ? grammar_.rules[node.rule].is_regular
                             : std::ranges::all_of(node.parts, [&](size_t p) { return pure_[p]; });
    pure_.push_back(is_pure);
  }
  // In this order no expression has to go down into another rule.
  for (const size_t rule : grammar_.regular) {
    rule_exprs_[rule] = expr_of(grammar_.rules[rule].body);
  }
  add({});  // kReturnOp
  // Entries first: rules refer to each other in any order.
  for (size_t i = 0; i < grammar_.rules.size(); ++i)
    rule_ops_.push_back(add({.kind = Op::Kind::kFork}));
  for (size_t i = 0; i < grammar_.rules.size(); ++i) {
    const GbnfRule& rule = grammar_.rules[i];
    if (rule.is_regular && i != grammar_.root) continue;
    const size_t body = compile(rule.body, kReturnOp);
    ops_[rule_ops_[i]].ways = {body};
  }
  std::vector<Thread> threads;
  advance({rule_ops_[grammar_.root], 0}, threads);
  start_ = put(std::move(threads));
}

size_t GbnfMachine::add(Op op) {
  ops_.push_back(std::move(op));
  return ops_.size() - 1;
}

ExprId GbnfMachine::expr_of(size_t at) {
  const GbnfNode& node = grammar_.nodes[at];
  switch (node.kind) {
    case Kind::kExpr:
      return node.expr;
    case Kind::kRule:
      return rule_exprs_[node.rule];
    case Kind::kRepeat:
      return pool_->repeat(expr_of(node.parts[0]), node.least, node.most);
    case Kind::kChoice: {
      std::vector<ExprId> parts;
      for (const size_t part : node.parts) parts.push_back(expr_of(part));
      return pool_->any_of(std::move(parts));
    }
    case Kind::kSequence:
      break;
  }
  ExprId all = kEmpty;
  for (size_t i = node.parts.size(); i-- > 0;) all = pool_->concat(expr_of(node.parts[i]), all);
  return all;
}

// The op that matches the node and goes on with `next`.
size_t GbnfMachine::compile(size_t at, size_t next) {
  if (is_pure(at)) {
    const ExprId expr = expr_of(at);
    if (expr == kEmpty) return next;
    return add({.kind = Op::Kind::kMatch, .expr = expr, .next = next});
  }
  const GbnfNode& node = grammar_.nodes[at];
  switch (node.kind) {
    case Kind::kRule: {
      if (!grammar_.rules[node.rule].is_productive) return add({.kind = Op::Kind::kFork});
      const size_t entry = rule_ops_[node.rule];
      if (next == kReturnOp) return entry;  // nothing to come back for
      return add({.kind = Op::Kind::kCall, .target = entry, .next = next});
    }
    case Kind::kChoice: {
      std::vector<size_t> ways;
      for (const size_t part : node.parts) ways.push_back(compile(part, next));
      return add({.kind = Op::Kind::kFork, .ways = std::move(ways)});
    }
    case Kind::kRepeat:
      return compile_repeat(node, next);
    default:
      for (size_t i = node.parts.size(); i-- > 0;) next = compile(node.parts[i], next);
      return next;
  }
}

size_t GbnfMachine::compile_repeat(const GbnfNode& node, size_t next) {
  if (node.most == 0) return next;
  const bool counts = node.least > 0 || node.most != kUnbounded;
  if (!counts) {
    const size_t loop = add({.kind = Op::Kind::kFork});
    const size_t body = compile(node.parts[0], loop);
    ops_[loop].ways = {body, next};
    return loop;
  }
  const size_t loop =
      add({.kind = Op::Kind::kLoop, .next = next, .least = node.least, .most = node.most});
  const size_t turn = add({.kind = Op::Kind::kTurn, .target = loop});
  const size_t body = compile(node.parts[0], turn);
  ops_[loop].target = body;
  return loop;
}

uint32_t GbnfMachine::push(size_t op, uint32_t count, uint32_t below) {
  const std::vector<uint32_t> entry = {static_cast<uint32_t>(op), count, below};
  return stacks_.put(entry).id;
}

void GbnfMachine::advance(Place start, std::vector<Thread>& threads) {
  std::set<Place> seen;
  std::vector<Place> todo = {start};
  while (!todo.empty()) {
    const Place place = todo.back();
    todo.pop_back();
    if (!seen.insert(place).second) continue;
    if (seen.size() > kMaxThreads) {
      is_full_ = true;
      return;
    }
    run(place, todo, threads);
  }
}

void GbnfMachine::run(const Place& place, std::vector<Place>& todo, std::vector<Thread>& threads) {
  const Op& op = ops_[place.op];
  switch (op.kind) {
    case Op::Kind::kMatch:
      threads.push_back({static_cast<uint32_t>(op.next), place.stack, op.expr});
      if (pool_->nullable(op.expr)) todo.push_back({op.next, place.stack});
      return;
    case Op::Kind::kCall:
      todo.push_back({op.target, push(op.next, 0, place.stack)});
      return;
    case Op::Kind::kReturn: {
      if (place.stack == 0) {
        threads.push_back({kAcceptOp, 0, kEmpty});
        return;
      }
      const auto top = stacks_.get(place.stack);
      todo.push_back({top[0], top[2]});
      return;
    }
    case Op::Kind::kFork:
      for (const size_t way : op.ways) todo.push_back({way, place.stack});
      return;
    case Op::Kind::kLoop:
      if (op.least == 0) todo.push_back({op.next, place.stack});
      todo.push_back({op.target, push(place.op, 0, place.stack)});
      return;
    case Op::Kind::kTurn:
      turn(place, todo);
      return;
  }
}

// One turn of a counted loop is over; the count is on the stack.
void GbnfMachine::turn(const Place& place, std::vector<Place>& todo) {
  const size_t loop = ops_[place.op].target;
  const Op& op = ops_[loop];
  const auto top = stacks_.get(place.stack);
  const uint32_t below = top[2];
  const uint32_t count = std::min(top[1] + 1, op.most == kUnbounded ? op.least : op.most);
  if (count >= op.least) todo.push_back({op.next, below});
  if (op.most == kUnbounded || count < op.most) {
    todo.push_back({op.target, push(loop, count, below)});
  }
}

// Threads that differ only in their expression are one.
StateId GbnfMachine::put(std::vector<Thread> threads) {
  if (threads.size() > kMaxThreads) {
    is_full_ = true;
    return kDead;
  }
  std::ranges::sort(threads, [](const Thread& a, const Thread& b) {
    return std::tie(a.next, a.stack, a.expr) < std::tie(b.next, b.stack, b.expr);
  });
  std::vector<uint32_t> words;
  for (size_t i = 0; i < threads.size();) {
    std::vector<ExprId> exprs;
    size_t end = i;
    for (; end < threads.size() && threads[end].next == threads[i].next &&
           threads[end].stack == threads[i].stack;
         ++end) {
      exprs.push_back(threads[end].expr);
    }
    words.insert(words.end(), {threads[i].next, threads[i].stack, pool_->any_of(std::move(exprs))});
    i = end;
  }
  return states_.put(words).id;
}

StateId GbnfMachine::step(StateId state, uint8_t byte) {
  const auto view = states_.get(state);
  const std::vector<uint32_t> words(view.begin(), view.end());
  std::vector<Thread> threads;
  for (size_t i = 0; i < words.size(); i += 3) {
    const ExprId expr = pool_->derive(words[i + 2], byte);
    if (expr == kNever) continue;
    if (expr != kEmpty) threads.push_back({words[i], words[i + 1], expr});
    if (pool_->nullable(expr)) advance({words[i], words[i + 1]}, threads);
  }
  return threads.empty() ? kDead : put(std::move(threads));
}

StateId GbnfMachine::join(StateId a, StateId b) {
  std::vector<Thread> threads;
  for (const StateId state : {a, b}) {
    const auto words = states_.get(state);
    for (size_t i = 0; i < words.size(); i += 3) {
      threads.push_back({words[i], words[i + 1], words[i + 2]});
    }
  }
  return put(std::move(threads));
}

bool GbnfMachine::accepting(StateId state) {
  const auto words = states_.get(state);
  for (size_t i = 0; i < words.size(); i += 3) {
    if (words[i] == kAcceptOp) return true;
  }
  return false;
}

const ByteClasses* GbnfMachine::byte_classes(StateId state) {
  BytePartitions::Id all = BytePartitions::kWhole;
  const auto words = states_.get(state);
  for (size_t i = 0; i < words.size(); i += 3) {
    all = pool_->partitions().refine(all, pool_->byte_classes(words[i + 2]));
  }
  return &pool_->partitions().classes(all);
}

Machine::Shortcut GbnfMachine::shortcut(StateId state) {
  Shortcut shortcut;
  const auto words = states_.get(state);
  for (size_t i = 0; i < words.size(); i += 3) {
    shortcut.plain_chars = std::max(shortcut.plain_chars, pool_->plain_reach(words[i + 2]).chars);
  }
  return shortcut;
}

}  // namespace chasqui::grammar
