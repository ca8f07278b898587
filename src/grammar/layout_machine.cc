#include "grammar/internal/layout_machine.h"

#include <algorithm>
#include <set>

#include "grammar/internal/token_literal.h"

namespace chasqui::grammar {
namespace {

constexpr size_t kEndOp = 0;

}  // namespace

// The longest mark that `text` begins with; null where there is none.
const LayoutMachine::Mark* LayoutMachine::mark_at(std::string_view text) const {
  const auto same_first = marks_.find(text.front());
  if (same_first == marks_.end()) return nullptr;
  const Mark* found = nullptr;
  for (const Mark& mark : same_first->second) {
    const bool is_longer = found == nullptr || mark.spelling.size() > found->spelling.size();
    if (is_longer && text.starts_with(mark.spelling)) found = &mark;
  }
  return found;
}

LayoutMachine::LayoutMachine(const Layout& layout, const TokenTable& tokens,
                             const MakeSchema& make_schema)
    : tokens_(&tokens), make_schema_(&make_schema) {
  for (const auto& [spelling, token] : tokens.marks()) {
    if (!spelling.empty()) marks_[spelling.front()].push_back({spelling, token});
  }
  const size_t end = add({});
  const size_t first = compile(layout, end);
  tokens_ = nullptr;
  marks_.clear();
  make_schema_ = nullptr;
  by_schema_.clear();
  states_.put(std::vector<uint32_t>{});  // kDead: nothing is under way
  Threads threads;
  enter(first, threads);
  start_ = put(std::move(threads));
}

size_t LayoutMachine::add(Op op) {
  ops_.push_back(std::move(op));
  return ops_.size() - 1;
}

size_t LayoutMachine::compile(const Layout& layout, size_t next) {
  switch (layout.kind) {
    case Layout::Kind::kText:
      if (layout.text.empty()) return next;
      return add({.kind = Op::Kind::kText, .text = layout.text, .next = {next}});
    case Layout::Kind::kMarks:
      return compile_marks(layout.text, next);
    case Layout::Kind::kFree:
      return compile_free(layout, next);
    case Layout::Kind::kMayEnd:
      return add({.kind = Op::Kind::kFork, .next = {kEndOp, next}});
    case Layout::Kind::kSchema:
      return compile_schema(layout, next);
    case Layout::Kind::kSequence:
      for (size_t i = layout.parts.size(); i-- > 0;) next = compile(layout.parts[i], next);
      return next;
    case Layout::Kind::kChoice: {
      std::vector<size_t> ways;
      for (const Layout& part : layout.parts) ways.push_back(compile(part, next));
      return add({.kind = Op::Kind::kFork, .next = std::move(ways)});
    }
    case Layout::Kind::kMany: {
      const size_t again = add({.kind = Op::Kind::kFork});
      const size_t body = compile(layout.parts[0], again);
      ops_[again].next = {body, next};
      return body;
    }
  }
  return next;
}

size_t LayoutMachine::compile_marks(const std::string& text, size_t next) {
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const Mark* const mark = mark_at(std::string_view(text).substr(at));
    if (mark == nullptr) {
      bytes += text[at++];
      continue;
    }
    if (tokens_->is_end(mark->token)) {
      next = kEndOp;
      break;
    }
    for (const uint8_t byte : token_literal(mark->token)) bytes += static_cast<char>(byte);
    at += mark->spelling.size();
  }
  if (bytes.empty()) return next;
  return add({.kind = Op::Kind::kText, .text = std::move(bytes), .next = {next}});
}

size_t LayoutMachine::compile_free(const Layout& layout, size_t next) {
  std::vector<size_t> behind;
  for (const Layout& part : layout.parts) behind.push_back(compile(part, next));
  auto scanner = std::make_shared<const MarkScanner>(layout.marks, *tokens_);
  const MarkScanner::Place start = scanner->behind(layout.text);
  return add({.kind = Op::Kind::kFree,
              .scanner = std::move(scanner),
              .next = std::move(behind),
              .start = start});
}

size_t LayoutMachine::compile_schema(const Layout& layout, size_t next) {
  Machine*& machine = by_schema_[*layout.schema];
  if (machine == nullptr) {
    machines_.push_back((*make_schema_)(layout.schema));
    machine = machines_.back().get();
  }
  return add(
      {.kind = Op::Kind::kSchema, .machine = machine, .next = {next}, .start = machine->start()});
}

void LayoutMachine::enter(size_t first, Threads& threads) const {
  std::set<size_t> seen;  // forks may lead in a circle where a part can be empty
  std::vector<size_t> todo = {first};
  while (!todo.empty()) {
    const size_t at = todo.back();
    todo.pop_back();
    if (!seen.insert(at).second) continue;
    const Op& op = ops_[at];
    if (op.kind == Op::Kind::kFork) {
      todo.insert(todo.end(), op.next.begin(), op.next.end());
      continue;
    }
    threads.emplace_back(static_cast<uint32_t>(at), op.start);
  }
}

void LayoutMachine::put_schema(size_t at, StateId inner, Threads& threads) const {
  if (inner == kDead) return;
  threads.emplace_back(static_cast<uint32_t>(at), inner);
  if (ops_[at].machine->accepting(inner)) enter(ops_[at].next[0], threads);
}

void LayoutMachine::step_thread(Thread thread, uint8_t byte, Threads& threads) const {
  const Op& op = ops_[thread.first];
  if (op.kind == Op::Kind::kSchema) {
    // A line end stands in JSON only between its parts.
    if (byte == '\n') return;
    return put_schema(thread.first, op.machine->step(thread.second, byte), threads);
  }
  if (op.kind == Op::Kind::kFree) return step_free(thread, byte, threads);
  if (op.kind != Op::Kind::kText || static_cast<uint8_t>(op.text[thread.second]) != byte) return;
  if (thread.second + 1 < op.text.size()) {
    threads.emplace_back(thread.first, thread.second + 1);
  } else {
    enter(op.next[0], threads);
  }
}

void LayoutMachine::step_free(Thread thread, uint8_t byte, Threads& threads) const {
  const Op& op = ops_[thread.first];
  const MarkScanner::Read read = op.scanner->step(thread.second, byte);
  if (read.mark) {
    enter(op.next[*read.mark], threads);
  } else if (read.place) {
    threads.emplace_back(thread.first, *read.place);
  }
}

StateId LayoutMachine::put(Threads threads) {
  std::ranges::sort(threads);
  threads.erase(std::unique(threads.begin(), threads.end()), threads.end());
  std::vector<uint32_t> words;
  for (const auto& [op, inner] : threads) words.insert(words.end(), {op, inner});
  return states_.put(words).id;
}

LayoutMachine::Threads LayoutMachine::threads_of(StateId state) const {
  const auto words = states_.get(state);
  Threads threads;
  for (size_t i = 0; i < words.size(); i += 2) threads.emplace_back(words[i], words[i + 1]);
  return threads;
}

StateId LayoutMachine::step(StateId state, uint8_t byte) {
  Threads threads;
  for (const Thread& thread : threads_of(state)) step_thread(thread, byte, threads);
  return put(std::move(threads));
}

bool LayoutMachine::accepting(StateId state) {
  const auto is_end = [this](const Thread& thread) {
    const Op& op = ops_[thread.first];
    return op.kind == Op::Kind::kEnd ||
           (op.kind == Op::Kind::kFree && op.scanner->may_end(thread.second));
  };
  return std::ranges::any_of(threads_of(state), is_end);
}

// Only where one schema is under way and nothing else: then its machine knows.
Machine::Shortcut LayoutMachine::shortcut(StateId state) {
  const Threads threads = threads_of(state);
  if (threads.size() != 1 || ops_[threads[0].first].kind != Op::Kind::kSchema) return {};
  const auto [op, inner] = threads[0];
  Shortcut shortcut = ops_[op].machine->shortcut(inner);
  if (shortcut.after_quote != kDead) {
    Threads behind;
    put_schema(op, shortcut.after_quote, behind);
    shortcut.after_quote = put(std::move(behind));
  }
  return shortcut;
}

const ByteClasses* LayoutMachine::byte_classes(StateId state) {
  const Threads threads = threads_of(state);
  if (threads.size() != 1 || ops_[threads[0].first].kind != Op::Kind::kSchema) return nullptr;
  const ByteClasses* classes = ops_[threads[0].first].machine->byte_classes(threads[0].second);
  // Line ends are forbidden here. NUL is so in all JSON: what shares its class is anyway.
  const bool knows_line_ends = classes != nullptr && (*classes)['\n'] == (*classes)[0];
  return knows_line_ends ? classes : nullptr;
}

size_t LayoutMachine::bytes_held() const {
  size_t bytes = states_.bytes_held();
  for (const auto& machine : machines_) bytes += machine->bytes_held();
  return bytes;
}

bool LayoutMachine::exhausted() const {
  return std::ranges::any_of(machines_, [](const auto& each) { return each->exhausted(); });
}

}  // namespace chasqui::grammar
