#include "grammar/internal/state_cache.h"

#include "base/check.h"

namespace chasqui::grammar {
namespace {

// What one grammar may hold in states and masks; a schema of 100 KB needs some 20 MB for a few
// hundred instances.
constexpr size_t kMaxBytes = size_t{96} << 20;
constexpr size_t kMaxMaskBytes = size_t{16} << 20;

}  // namespace

StateCache::StateCache(MakeMachine make, std::shared_ptr<const TokenTable> tokens)
    : make_(std::move(make)), tokens_(std::move(tokens)) {
  reset();
}

void StateCache::reset() {
  rows_.clear();
  row_count_ = 0;
  masks_.clear();
  machine_ = make_();
  start_ = machine_->start();
  ++epoch_;
}

size_t StateCache::bytes_held() const {
  const size_t mask_bytes = tokens_->ends().words().size() * 8 + 64;
  return machine_->bytes_held() + row_count_ * sizeof(Row) + rows_.size() * sizeof(rows_[0]) +
         masks_.size() * mask_bytes;
}

void StateCache::trim() {
  if (masks_.size() * tokens_->ends().words().size() * 8 > kMaxMaskBytes) masks_.clear();
  if (bytes_held() > kMaxBytes) reset();
}

StateId StateCache::step(StateId state, uint8_t byte) {
  if (state >= rows_.size()) rows_.resize(state + 64);
  std::unique_ptr<Row>& row = rows_[state];
  if (!row) {
    row = std::make_unique<Row>();
    row->fill(kUnknown);
    ++row_count_;
  }
  StateId& next = (*row)[byte];
  if (next == kUnknown) next = machine_->step(state, byte);
  return next;
}

StateId StateCache::walk(StateId state, std::string_view bytes) {
  for (const char byte : bytes) {
    if (state == kDead) return kDead;
    state = step(state, static_cast<uint8_t>(byte));
  }
  return state;
}

const TokenMask& StateCache::mask(StateId state) {
  const auto place = masks_.find(state);
  if (place != masks_.end()) return place->second;
  return masks_.emplace(state, compute_mask(state)).first->second;
}

TokenMask StateCache::compute_mask(StateId state) {
  TokenMask out(tokens_->size());
  if (state == kDead) return out;
  if (machine_->accepting(state)) out.add(tokens_->ends());
  const Machine::Shortcut shortcut = machine_->shortcut(state);
  if (shortcut.in_any_string) {
    out.add(tokens_->in_string());
    if (shortcut.quote_varies) {
      add_walk(tokens_->closing(), state, out);
    } else if (shortcut.after_quote != kDead) {
      for (const int32_t token : tokens_->closing_rests().empty) out.add(token);
      add_walk(tokens_->closing_rests(), shortcut.after_quote, out);
    }
    return out;
  }
  const bool any_length = shortcut.plain_chars >= tokens_->longest_plain();
  if (shortcut.plain_chars > 0 && (any_length || (shortcut.exactly && shortcut.plain_chars < 64))) {
    out.add(tokens_->plain(shortcut.plain_chars));
    add_walk(tokens_->not_plain(), state, out);
    return out;
  }
  add_walk(tokens_->all(), state, out);
  return out;
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
