// The machine of a layout: a program whose steps are words, free text or the machines of schemas. A
// state is the set of steps that may be under way, with the place inside each.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/internal/interner.h"
#include "grammar/internal/machine.h"
#include "grammar/internal/mark_scanner.h"
#include "grammar/layout.h"

namespace chasqui::grammar {

class LayoutMachine : public Machine {
 public:
  // The machine of a schema; called once for each of the layout's that differ.
  using MakeSchema = std::function<std::unique_ptr<Machine>(const SchemaText& schema)>;

  // REQUIRES: every schema compiles. `tokens`: whose marks the layout may have. Nothing of the
  // parameters is used later.
  LayoutMachine(const Layout& layout, const TokenTable& tokens, const MakeSchema& make_schema);

  StateId start() override { return start_; }
  StateId step(StateId state, uint8_t byte) override;
  bool accepting(StateId state) override;
  Shortcut shortcut(StateId state) override;
  const ByteClasses* byte_classes(StateId state) override;
  size_t bytes_held() const override;
  bool exhausted() const override;

 private:
  struct Op {
    enum class Kind { kEnd, kText, kSchema, kFree, kFork } kind = Kind::kEnd;
    std::string text;                            // kText, not empty; token literals are bytes of it
    Machine* machine = nullptr;                  // kSchema
    std::shared_ptr<const MarkScanner> scanner;  // kFree
    // kFork: the ways; kFree: what comes behind each mark; kText, kSchema: what comes behind
    std::vector<size_t> next;
    uint32_t start = 0;  // the place inside at which it begins
  };
  // A step under way: bytes of the text that were read, or the state of its machine or scanner.
  using Thread = std::pair<uint32_t, uint32_t>;
  using Threads = std::vector<Thread>;

  struct Mark {
    std::string_view spelling;
    int32_t token = 0;
  };

  size_t add(Op op);
  size_t compile(const Layout& layout, size_t next);
  size_t compile_marks(const std::string& text, size_t next);
  size_t compile_free(const Layout& layout, size_t next);
  size_t compile_schema(const Layout& layout, size_t next);
  // Adds the threads that begin at `op`.
  void enter(size_t op, Threads& threads) const;
  void step_thread(Thread thread, uint8_t byte, Threads& threads) const;
  void step_free(Thread thread, uint8_t byte, Threads& threads) const;
  void put_schema(size_t op, StateId inner, Threads& threads) const;
  StateId put(Threads threads);
  Threads threads_of(StateId state) const;

  const Mark* mark_at(std::string_view text) const;

  // While it is made: the vocabulary, and its marks by their first bytes; the machines by schema.
  const TokenTable* tokens_ = nullptr;
  std::unordered_map<char, std::vector<Mark>> marks_;
  const MakeSchema* make_schema_ = nullptr;
  std::unordered_map<std::string_view, Machine*> by_schema_;

  std::vector<Op> ops_;
  std::vector<std::unique_ptr<Machine>> machines_;
  Interner states_;  // threads, two words each; 0 is kDead
  StateId start_ = kDead;
};

}  // namespace chasqui::grammar
