// A machine whose language is one regular expression.
#pragma once

#include <memory>
#include <utility>

#include "grammar/internal/expr_pool.h"
#include "grammar/internal/machine.h"

namespace chasqui::grammar {

class ExprMachine : public Machine {
 public:
  // `start` belongs to `pool`. States are expressions.
  ExprMachine(std::shared_ptr<ExprPool> pool, ExprId start)
      : pool_(std::move(pool)), start_(start) {}

  StateId start() override { return start_; }
  StateId step(StateId state, uint8_t byte) override {
    const ExprId next = pool_->derive(state, byte);
    return pool_->can_match(next) ? next : kDead;
  }
  bool accepting(StateId state) override { return pool_->nullable(state); }
  Shortcut shortcut(StateId state) override {
    const ExprPool::PlainReach reach = pool_->plain_reach(state);
    return {.plain_chars = reach.chars, .exactly = reach.exactly};
  }
  const ByteClasses* byte_classes(StateId state) override {
    return &pool_->partitions().classes(pool_->byte_classes(state));
  }
  size_t bytes_held() const override { return pool_->bytes_held(); }
  bool exhausted() const override { return pool_->exhausted(); }

 private:
  std::shared_ptr<ExprPool> pool_;
  ExprId start_;
};

}  // namespace chasqui::grammar
