// The machine of a layout: a program whose steps are words or the machines of schemas. A state is
// the set of steps that may be under way, with the place inside each.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "grammar/internal/interner.h"
#include "grammar/internal/machine.h"
#include "grammar/layout.h"

namespace chasqui::grammar {

class LayoutMachine : public Machine {
 public:
  // Schemas that are equal share a machine. REQUIRES: every schema compiles.
  explicit LayoutMachine(const Layout& layout);

  StateId start() override { return start_; }
  StateId step(StateId state, uint8_t byte) override;
  bool accepting(StateId state) override;
  Shortcut shortcut(StateId state) override;
  const ByteClasses* byte_classes(StateId state) override;
  size_t bytes_held() const override;
  bool exhausted() const override;

 private:
  struct Op {
    enum class Kind { kEnd, kText, kSchema, kFork } kind = Kind::kEnd;
    std::string text;            // kText, not empty
    Machine* machine = nullptr;  // kSchema
    std::vector<size_t> next;    // kFork: the ways; kText, kSchema: what comes behind
  };
  // A step under way: bytes of the text that were read, or the state of its machine.
  using Thread = std::pair<uint32_t, uint32_t>;
  using Threads = std::vector<Thread>;

  size_t add(Op op);
  size_t compile(const Layout& layout, size_t next);
  Machine* machine_of(const boost::json::value& schema);
  // Adds the threads that begin at `op`.
  void enter(size_t op, Threads& threads) const;
  void step_thread(Thread thread, uint8_t byte, Threads& threads) const;
  void put_schema(size_t op, StateId inner, Threads& threads) const;
  StateId put(Threads threads);
  Threads threads_of(StateId state) const;

  std::vector<Op> ops_;
  std::vector<std::pair<boost::json::value, std::unique_ptr<Machine>>> machines_;
  Interner states_;  // threads, two words each; 0 is kDead
  StateId start_ = kDead;
};

}  // namespace chasqui::grammar
