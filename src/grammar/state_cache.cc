#include "grammar/internal/state_cache.h"

#include <algorithm>

#include "grammar/internal/token_literal.h"

namespace chasqui::grammar {
namespace {

// What one grammar may hold in states and masks; a schema of 100 KB needs some 20 MB for a few
// hundred instances.
constexpr size_t kMaxBytes = size_t{96} << 20;
constexpr size_t kMaxMaskBytes = size_t{16} << 20;

}  // namespace

void StateCache::begin(std::unique_ptr<Machine> machine) {
  is_exhausted_ = is_exhausted_ || (machine_ && machine_->exhausted());
  rows_.clear();
  row_count_ = 0;
  masks_.clear();
  start_ = machine->start();
  machine_ = std::move(machine);
  ++epoch_;
}

size_t StateCache::bytes_grown() const {
  const size_t mask_bytes = tokens_->ends().words().size() * 8 + 64;
  return machine_->bytes_held() + row_count_ * sizeof(Row) + rows_.size() * sizeof(rows_[0]) +
         masks_.size() * mask_bytes;
}

void StateCache::trim() {
  if (masks_.size() * tokens_->ends().words().size() * 8 > kMaxMaskBytes) masks_.clear();
  if (bytes_grown() > kMaxBytes) begin(make_());
}

StateId StateCache::step(StateId state, uint8_t byte) {
  if (state >= rows_.size()) rows_.resize(state + 64);
  std::unique_ptr<Row>& row = rows_[state];
  if (!row) {
    row = std::make_unique<Row>();
    row->next.fill(kUnknown);
    row->classes = machine_->byte_classes(state);
    ++row_count_;
  }
  const StateId next = row->next[byte];
  return next == kUnknown ? fill(*row, state, byte) : next;
}

StateId StateCache::fill(Row& row, StateId state, uint8_t byte) {
  const StateId next = machine_->step(state, byte);
  row.next[byte] = next;
  if (row.classes == nullptr) return next;
  const uint8_t its_class = (*row.classes)[byte];
  for (size_t other = 0; other < 256; ++other) {
    if ((*row.classes)[other] == its_class) row.next[other] = next;
  }
  return next;
}

StateId StateCache::walk(StateId state, std::string_view bytes) {
  for (const char byte : bytes) {
    if (state == kDead) return kDead;
    state = step(state, static_cast<uint8_t>(byte));
  }
  return state;
}

StateId StateCache::step_token(StateId state, int32_t token) {
  const std::string_view piece = tokens_->piece(token);
  const StateId by_text = piece.empty() ? kDead : walk(state, piece);
  StateId by_literal = state;
  for (const uint8_t byte : token_literal(token)) {
    if (by_literal != kDead) by_literal = step(by_literal, byte);
  }
  if (by_literal == kDead || by_text == kDead) return by_literal == kDead ? by_text : by_literal;
  return machine_->join(by_text, by_literal);
}

const TokenMask& StateCache::mask(StateId state) {
  if (exhausted()) state = kDead;
  auto place = masks_.find(state);
  if (place == masks_.end()) place = masks_.emplace(state, compute_mask(state)).first;
  if (state == kDead || !exhausted()) return place->second;
  // It was hit just now, and the mask may be wrong.
  masks_.clear();
  return mask(kDead);
}

TokenMask StateCache::compute_mask(StateId state) {
  TokenMask out(tokens_->size());
  if (state == kDead) return out;
  add_texts(state, out);
  add_literals(state, out);
  out.remove(tokens_->ends());
  if (machine_->accepting(state)) out.add(tokens_->ends());
  return out;
}

// Inside a string in which everything may stand.
void StateCache::add_string(const Machine::Shortcut& shortcut, StateId state, TokenMask& out) {
  out.add(tokens_->in_string());
  if (shortcut.quote_varies) return add_walk(tokens_->closing(), state, out);
  if (shortcut.after_quote == kDead) return;
  for (const int32_t token : tokens_->closing_rests().empty) out.add(token);
  add_walk(tokens_->closing_rests(), shortcut.after_quote, out);
}

void StateCache::add_texts(StateId state, TokenMask& out) {
  const Machine::Shortcut shortcut = machine_->shortcut(state);
  if (shortcut.in_any_string) return add_string(shortcut, state, out);
  const bool any_length = shortcut.plain_chars >= tokens_->longest_plain();
  if (shortcut.plain_chars > 0 && (any_length || (shortcut.exactly && shortcut.plain_chars < 64))) {
    out.add(tokens_->plain(shortcut.plain_chars));
    add_walk(tokens_->not_plain(), state, out);
    return;
  }
  add_walk(tokens_->all(), state, out);
}

// Tokens by their numbers, 256 at a time.
void StateCache::add_literals(StateId state, TokenMask& out) {
  const StateId marked = step(state, static_cast<uint8_t>(kTokenMark));
  if (marked == kDead) return;
  const int32_t size = tokens_->size();
  for (int32_t first = 0; first < size; first += 256) {
    const std::array<uint8_t, 4> literal = token_literal(first);
    StateId page = step(marked, literal[1]);
    if (page != kDead) page = step(page, literal[2]);
    for (int32_t token = first; page != kDead && token < std::min(size, first + 256); ++token) {
      if (step(page, static_cast<uint8_t>(token)) != kDead) out.add(token);
    }
  }
}

void StateCache::add_walk(const TokenTrie& trie, StateId start, TokenMask& out) {
  path_.resize(std::max(path_.size(), trie.depth + 1));
  path_[0] = start;
  for (size_t i = 0; i < trie.nodes.size();) {
    const TokenTrie::Node& node = trie.nodes[i];
    const StateId next = step(path_[node.depth - 1u], node.byte);
    if (next == kDead) {
      i = node.skip;
      continue;
    }
    path_[node.depth] = next;
    for (uint32_t at = node.first_token; at < node.last_token; ++at) out.add(trie.tokens[at]);
    ++i;
  }
}

}  // namespace chasqui::grammar
