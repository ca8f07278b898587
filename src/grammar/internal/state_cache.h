// Transitions and masks of a machine, remembered. Guarded by a mutex that its users lock.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/internal/machine.h"
#include "grammar/token_table.h"

namespace chasqui::grammar {

class StateCache {
 public:
  using MakeMachine = std::function<std::unique_ptr<Machine>()>;
  // `make` is called at once, and again whenever the caches have grown too large: states are then
  // forgotten and the epoch counts up. `first`: the first machine, where it has been made already.
  // `source_bytes`: what `make` keeps.
  StateCache(MakeMachine make, std::shared_ptr<const TokenTable> tokens, size_t source_bytes,
             std::unique_ptr<Machine> first = nullptr)
      : make_(std::move(make)), tokens_(std::move(tokens)), source_bytes_(source_bytes) {
    begin(first ? std::move(first) : make_());
  }

  std::mutex& mutex() { return mutex_; }
  const TokenTable& tokens() const { return *tokens_; }

  // The rest needs the mutex.
  uint64_t epoch() const { return epoch_; }
  // Empties everything when it holds more than its bound.
  void trim();
  StateId start() { return start_; }
  StateId step(StateId state, uint8_t byte);
  StateId walk(StateId state, std::string_view bytes);
  // Behind a token that is no end of generation: read as its text, as a literal, or as both.
  StateId step_token(StateId state, int32_t token);
  bool accepting(StateId state) { return machine_->accepting(state); }
  const TokenMask& mask(StateId state);
  bool knows_mask(StateId state) const { return masks_.contains(state); }
  // A bound was hit: masks are empty from then on, for good, so that nobody pays for it twice.
  bool exhausted() const { return is_exhausted_ || machine_->exhausted(); }
  size_t bytes_held() const { return source_bytes_ + bytes_grown(); }

 private:
  static constexpr StateId kUnknown = 0xFFFFFFFF;
  struct Row {
    std::array<StateId, 256> next;
    const ByteClasses* classes = nullptr;  // as Machine::byte_classes()
  };

  StateId fill(Row& row, StateId state, uint8_t byte);
  TokenMask compute_mask(StateId state);
  void add_string(const Machine::Shortcut& shortcut, StateId state, TokenMask& out);
  void add_texts(StateId state, TokenMask& out);
  void add_literals(StateId state, TokenMask& out);
  void add_walk(const TokenTrie& trie, StateId start, TokenMask& out);
  // What can be forgotten.
  size_t bytes_grown() const;
  void begin(std::unique_ptr<Machine> machine);

  const MakeMachine make_;
  const std::shared_ptr<const TokenTable> tokens_;
  const size_t source_bytes_;
  mutable std::mutex mutex_;
  std::unique_ptr<Machine> machine_;
  StateId start_ = kDead;
  uint64_t epoch_ = 0;
  bool is_exhausted_ = false;
  std::vector<std::unique_ptr<Row>> rows_;  // by state; null until somebody leaves the state
  size_t row_count_ = 0;
  std::unordered_map<StateId, TokenMask> masks_;
  std::vector<StateId> path_;  // of add_walk(), by depth
};

}  // namespace chasqui::grammar
