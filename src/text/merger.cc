#include "text/internal/merger.h"

#include <algorithm>

namespace chasqui::text {
namespace {

// Up to here a scan over an array beats the heap: words of natural text have 1 to 20 symbols.
constexpr size_t kScanLimit = 24;

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint64_t kNoRule = UINT64_MAX;

}  // namespace

void Merger::merge(std::vector<Symbol>& symbols) {
  if (symbols.size() < 2) return;
  if (symbols.size() <= kScanLimit) {
    merge_by_scan(symbols);
  } else {
    merge_by_heap(symbols);
  }
}

// Priority in the upper half, so that comparing whole values orders by priority.
uint64_t Merger::rule_of(const std::vector<Symbol>& symbols, size_t left) const {
  const auto* rule = table_.find(symbols[left].id, symbols[left + 1].id);
  return rule == nullptr ? kNoRule : uint64_t{rule->first} << 32 | rule->second;
}

void Merger::merge_by_scan(std::vector<Symbol>& symbols) {
  rules_.clear();
  for (size_t i = 0; i + 1 < symbols.size(); ++i) rules_.push_back(rule_of(symbols, i));
  while (!rules_.empty()) {
    const auto best = std::min_element(rules_.begin(), rules_.end(),
                                       [](uint64_t a, uint64_t b) { return a >> 32 < b >> 32; });
    if (*best == kNoRule) return;
    const auto left = best - rules_.begin();
    const auto at = static_cast<size_t>(left);
    symbols[at].id = static_cast<SymbolId>(*best);
    symbols[at].end = symbols[at + 1].end;
    symbols.erase(symbols.begin() + left + 1);
    rules_.erase(best);
    if (at > 0) rules_[at - 1] = rule_of(symbols, at - 1);
    if (at < rules_.size()) rules_[at] = rule_of(symbols, at);
  }
}

std::optional<Merger::Candidate> Merger::candidate(const std::vector<Symbol>& symbols,
                                                   uint32_t left, uint32_t right) const {
  if (left == kNone || right == kNone) return std::nullopt;
  const auto* rule = table_.find(symbols[left].id, symbols[right].id);
  if (rule == nullptr) return std::nullopt;
  return Candidate{uint64_t{rule->first} << 32 | left, symbols[right].end, rule->second};
}

void Merger::seed(const std::vector<Symbol>& symbols) {
  const auto count = static_cast<uint32_t>(symbols.size());
  previous_.resize(count);
  next_.resize(count);
  seeds_.clear();
  heap_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    previous_[i] = i == 0 ? kNone : i - 1;
    next_[i] = i + 1 == count ? kNone : i + 1;
    if (const auto found = candidate(symbols, i, next_[i])) seeds_.push_back(*found);
  }
  std::sort(seeds_.begin(), seeds_.end(),
            [](const Candidate& a, const Candidate& b) { return a.order < b.order; });
}

void Merger::push(const std::optional<Candidate>& found) {
  if (!found) return;
  heap_.push_back(*found);
  std::push_heap(heap_.begin(), heap_.end(), is_later);
  ++heap_pushes_;
}

void Merger::apply(std::vector<Symbol>& symbols, const Candidate& chosen) {
  const auto left = static_cast<uint32_t>(chosen.order);
  const uint32_t right = next_[left];
  // A dead symbol has end 0; spans only grow, so equal ends mean that nothing changed since.
  if (symbols[left].end == 0 || right == kNone || symbols[right].end != chosen.right_end) return;

  symbols[left].id = chosen.result;
  symbols[left].end = symbols[right].end;
  symbols[right].end = 0;
  next_[left] = next_[right];
  if (next_[left] != kNone) previous_[next_[left]] = left;

  push(candidate(symbols, previous_[left], left));
  push(candidate(symbols, left, next_[left]));
}

// The pairs of the beginning are sorted once, which costs a third of what they would in the heap;
// only pairs that merging makes go through it.
void Merger::merge_by_heap(std::vector<Symbol>& symbols) {
  seed(symbols);
  auto next_seed = seeds_.cbegin();
  while (next_seed != seeds_.cend() || !heap_.empty()) {
    const bool take_seed =
        next_seed != seeds_.cend() && (heap_.empty() || next_seed->order < heap_.front().order);
    if (take_seed) {
      apply(symbols, *next_seed++);
      continue;
    }
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    const Candidate chosen = heap_.back();
    heap_.pop_back();
    apply(symbols, chosen);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.end == 0; });
}

}  // namespace chasqui::text
