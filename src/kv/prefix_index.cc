#include "kv/prefix_index.h"

#include <algorithm>

#include "base/check.h"

namespace chasqui::kv {

Hash128 root_key(uint64_t salt, uint64_t secret) {
  return hash_bytes(std::as_bytes(std::span(&salt, 1)), Hash128{secret, ~secret});
}

Hash128 block_key(const Hash128& parent, std::span<const int32_t> tokens) {
  return hash_bytes(std::as_bytes(tokens), parent);
}

PrefixIndex::PrefixIndex(int64_t units, int64_t block_tokens) : block_tokens_(block_tokens) {
  CHASQUI_CHECK(units >= 0 && block_tokens > 0, "{} units of {} tokens", units, block_tokens);
  tokens_.resize(static_cast<size_t>(units * block_tokens));
}

UnitId PrefixIndex::find(const BlockName& block) const {
  const auto found = entries_.find(block.key);
  if (found == entries_.end() || found->second.parent != block.parent) return kNoUnit;
  const UnitId unit = found->second.unit;
  return std::ranges::equal(tokens_of(unit), block.tokens) ? unit : kNoUnit;
}

bool PrefixIndex::insert(const BlockName& block, UnitId unit) {
  CHASQUI_CHECK(static_cast<int64_t>(block.tokens.size()) == block_tokens_, "{} tokens in a block",
                block.tokens.size());
  if (!entries_.try_emplace(block.key, Entry{unit, block.parent}).second) return false;
  std::ranges::copy(block.tokens, tokens_of(unit).begin());
  return true;
}

void PrefixIndex::erase(const Hash128& key) {
  CHASQUI_CHECK(entries_.erase(key) == 1, "an unknown key was erased");
}

UnitId PrefixIndex::unit_of(const Hash128& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? kNoUnit : found->second.unit;
}

std::span<int32_t> PrefixIndex::tokens_of(UnitId unit) {
  return std::span(tokens_).subspan(static_cast<size_t>(unit * block_tokens_),
                                    static_cast<size_t>(block_tokens_));
}

std::span<const int32_t> PrefixIndex::tokens_of(UnitId unit) const {
  return std::span(tokens_).subspan(static_cast<size_t>(unit * block_tokens_),
                                    static_cast<size_t>(block_tokens_));
}

}  // namespace chasqui::kv
