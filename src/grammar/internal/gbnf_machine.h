// Follows a grammar whose rules recurse. What does not recurse is expressions; the rest is a small
// program with a stack. Several ways through it are threads: (expression, what comes behind it,
// stack), with stacks shared as interned lists, so that equal ways meet again.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "grammar/internal/gbnf.h"
#include "grammar/internal/interner.h"
#include "grammar/internal/machine.h"

namespace chasqui::grammar {

class GbnfMachine : public Machine {
 public:
  // REQUIRES: `grammar` is analysed, its expressions are in `pool`.
  GbnfMachine(std::shared_ptr<ExprPool> pool, const GbnfGrammar& grammar);

  StateId start() override { return start_; }
  StateId step(StateId state, uint8_t byte) override;
  bool accepting(StateId state) override;
  StateId join(StateId a, StateId b) override;
  Shortcut shortcut(StateId state) override;
  const ByteClasses* byte_classes(StateId state) override;
  size_t bytes_held() const override {
    return pool_->bytes_held() + states_.bytes_held() + stacks_.bytes_held();
  }
  bool exhausted() const override { return is_full_ || pool_->exhausted(); }

 private:
  struct Op {
    enum class Kind { kMatch, kCall, kReturn, kFork, kLoop, kTurn } kind = Kind::kReturn;
    ExprId expr = kNever;      // kMatch
    size_t target = 0;         // kCall: rule; kLoop: body; kTurn: its loop
    size_t next = 0;           // behind it; of kMatch, kCall and kLoop
    std::vector<size_t> ways;  // kFork
    uint32_t least = 0;        // kLoop
    uint32_t most = 0;         // kLoop
  };
  struct Thread {
    uint32_t next = 0;  // op behind the expression
    uint32_t stack = 0;
    ExprId expr = kNever;
  };
  // An op to go on with.
  struct Place {
    size_t op = 0;
    uint32_t stack = 0;
    auto operator<=>(const Place&) const = default;
  };

  size_t add(Op op);
  size_t compile(size_t node, size_t next);
  size_t compile_repeat(const GbnfNode& node, size_t next);
  bool is_pure(size_t node) const { return pure_[node]; }
  ExprId expr_of(size_t node);

  uint32_t push(size_t op, uint32_t count, uint32_t below);
  // Runs ops that read nothing, from `place` on.
  void advance(Place place, std::vector<Thread>& threads);
  void run(const Place& place, std::vector<Place>& todo, std::vector<Thread>& threads);
  void turn(const Place& place, std::vector<Place>& todo);
  StateId put(std::vector<Thread> threads);

  const std::shared_ptr<ExprPool> pool_;
  const GbnfGrammar grammar_;
  std::vector<bool> pure_;          // by node: no rule inside that recurses
  std::vector<ExprId> rule_exprs_;  // of regular rules
  std::vector<size_t> rule_ops_;    // entry of each rule that recurses
  std::vector<Op> ops_;
  Interner stacks_;  // {op, count, below}; 0 is the empty stack
  Interner states_;  // threads, three words each
  StateId start_ = kDead;
  bool is_full_ = false;
};

}  // namespace chasqui::grammar
