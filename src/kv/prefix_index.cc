#include "kv/prefix_index.h"

#include <algorithm>
#include <utility>

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
  siblings_.resize(static_cast<size_t>(units));
}

UnitId PrefixIndex::find(const BlockName& block) const {
  const auto found = entries_.find(block.key);
  if (found == entries_.end() || found->second.parent != block.parent) return kNoUnit;
  const UnitId unit = found->second.unit;
  return std::ranges::equal(tokens_of(unit), block.tokens) ? unit : kNoUnit;
}

PrefixIndex::Similar PrefixIndex::similar(const Hash128& parent,
                                          std::span<const int32_t> tokens) const {
  Similar best;
  const auto found = youngest_.find(parent);
  UnitId unit = found == youngest_.end() ? kNoUnit : found->second;
  for (int seen = 0; unit != kNoUnit && seen < kMaxSiblings; ++seen) {
    const auto own = tokens_of(unit);
    const int64_t common = std::ranges::mismatch(own, tokens).in1 - own.begin();
    if (common > best.common) best = {{sibling(unit).key, parent, own}, common};
    unit = sibling(unit).older;
  }
  return best;
}

bool PrefixIndex::insert(const BlockName& block, UnitId unit) {
  CHASQUI_CHECK(static_cast<int64_t>(block.tokens.size()) == block_tokens_, "{} tokens in a block",
                block.tokens.size());
  if (!entries_.try_emplace(block.key, Entry{unit, block.parent}).second) return false;
  std::ranges::copy(block.tokens, tokens_of(unit).begin());
  link(block.parent, block.key, unit);
  return true;
}

void PrefixIndex::erase(const Hash128& key) {
  const auto found = entries_.find(key);
  CHASQUI_CHECK(found != entries_.end(), "an unknown key was erased");
  unlink(found->second.parent, found->second.unit);
  entries_.erase(found);
}

void PrefixIndex::link(const Hash128& parent, const Hash128& key, UnitId unit) {
  const auto [first, fresh] = youngest_.try_emplace(parent, unit);
  const UnitId older = fresh ? kNoUnit : std::exchange(first->second, unit);
  sibling(unit) = {key, older, kNoUnit};
  if (older != kNoUnit) sibling(older).younger = unit;
}

void PrefixIndex::unlink(const Hash128& parent, UnitId unit) {
  const Sibling& left = sibling(unit);
  if (left.older != kNoUnit) sibling(left.older).younger = left.younger;
  if (left.younger != kNoUnit) {
    sibling(left.younger).older = left.older;
  } else if (left.older != kNoUnit) {
    youngest_.at(parent) = left.older;
  } else {
    youngest_.erase(parent);
  }
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
