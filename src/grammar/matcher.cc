#include "grammar/matcher.h"

#include "base/check.h"
#include "grammar/internal/state_cache.h"
#include "grammar/internal/token_literal.h"

namespace chasqui::grammar {

CompiledGrammar::CompiledGrammar(std::unique_ptr<StateCache> cache) : cache_(std::move(cache)) {}
CompiledGrammar::~CompiledGrammar() = default;

const TokenTable& CompiledGrammar::tokens() const {
  return cache_->tokens();
}

size_t CompiledGrammar::bytes_held() const {
  const std::lock_guard lock(cache_->mutex());
  return cache_->bytes_held();
}

Matcher::Matcher(GrammarPtr grammar) : grammar_(std::move(grammar)) {}

// Finds state_ in the cache as it is now. REQUIRES: the mutex is held.
void Matcher::refresh() {
  StateCache& cache = *grammar_->cache_;
  cache.trim();
  if (epoch_ == cache.epoch()) return;
  StateId state = cache.start();
  for (const int32_t token : tokens_) {
    if (state != kDead && !cache.tokens().is_end(token)) state = cache.step_token(state, token);
  }
  // Together and last: memory may have run out on the way.
  state_ = state;
  epoch_ = cache.epoch();
}

void Matcher::mask(TokenMask& out) {
  const std::lock_guard lock(grammar_->cache_->mutex());
  refresh();
  out = ended_ ? TokenMask(grammar_->tokens().size()) : grammar_->cache_->mask(state_);
}

bool Matcher::mask_is_known() {
  const std::unique_lock lock(grammar_->cache_->mutex(), std::try_to_lock);
  if (!lock) return false;
  refresh();
  return ended_ || grammar_->cache_->knows_mask(state_);
}

bool Matcher::accept(int32_t token) {
  const TokenTable& tokens = grammar_->tokens();
  if (ended_ || token < 0 || token >= tokens.size()) return false;
  const std::lock_guard lock(grammar_->cache_->mutex());
  refresh();
  if (tokens.is_end(token)) {
    if (!grammar_->cache_->accepting(state_)) return false;
    tokens_.push_back(token);
    ended_ = true;
    return true;
  }
  const StateId next = grammar_->cache_->step_token(state_, token);
  if (next == kDead) return false;
  tokens_.push_back(token);
  state_ = next;
  return true;
}

bool Matcher::is_complete() {
  const std::lock_guard lock(grammar_->cache_->mutex());
  refresh();
  return state_ != kDead && grammar_->cache_->accepting(state_);
}

bool Matcher::is_finished() {
  if (ended_) return true;
  const std::lock_guard lock(grammar_->cache_->mutex());
  refresh();
  StateCache& cache = *grammar_->cache_;
  if (state_ == kDead || !cache.accepting(state_)) return false;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (cache.step(state_, static_cast<uint8_t>(byte)) != kDead) return false;
  }
  return true;
}

std::string Matcher::forced(size_t most) {
  const std::lock_guard lock(grammar_->cache_->mutex());
  refresh();
  StateCache& cache = *grammar_->cache_;
  std::string bytes;
  StateId state = state_;
  while (!ended_ && bytes.size() < most && state != kDead && !cache.accepting(state)) {
    StateId only = kDead;
    unsigned only_byte = 256;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const StateId next = cache.step(state, static_cast<uint8_t>(byte));
      if (next == kDead) continue;
      if (only != kDead) return bytes;
      only = next;
      only_byte = byte;
    }
    if (only == kDead || static_cast<char>(only_byte) == kTokenMark) break;
    bytes.push_back(static_cast<char>(only_byte));
    state = only;
  }
  return bytes;
}

void Matcher::roll_back(size_t count) {
  CHASQUI_CHECK(count <= tokens_.size(), "more tokens taken back than were accepted");
  if (count == 0) return;
  tokens_.resize(tokens_.size() - count);
  ended_ = false;
  epoch_ = 0;  // the way is found again from the tokens: epochs begin at 1
}

bool Matcher::exhausted() const {
  const std::lock_guard lock(grammar_->cache_->mutex());
  return grammar_->cache_->exhausted();
}

}  // namespace chasqui::grammar
