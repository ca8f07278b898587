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

bool Merger::add_candidate(const std::vector<Symbol>& symbols, uint32_t left, uint32_t right) {
  if (left == kNone || right == kNone) return false;
  const auto* rule = table_.find(symbols[left].id, symbols[right].id);
  if (rule == nullptr) return false;
  heap_.push_back({uint64_t{rule->first} << 32 | left, symbols[right].end, rule->second});
  ++heap_pushes_;
  return true;
}

void Merger::seed(const std::vector<Symbol>& symbols) {
  const auto count = static_cast<uint32_t>(symbols.size());
  previous_.resize(count);
  next_.resize(count);
  heap_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    previous_[i] = i == 0 ? kNone : i - 1;
    next_[i] = i + 1 == count ? kNone : i + 1;
    add_candidate(symbols, i, next_[i]);
  }
}

void Merger::apply(std::vector<Symbol>& symbols, const Candidate& candidate) {
  const auto left = static_cast<uint32_t>(candidate.order);
  const uint32_t right = next_[left];
  // A dead symbol has end 0; spans only grow, so equal ends mean that nothing changed since.
  if (symbols[left].end == 0 || right == kNone || symbols[right].end != candidate.right_end) return;

  symbols[left].id = candidate.result;
  symbols[left].end = symbols[right].end;
  symbols[right].end = 0;
  next_[left] = next_[right];
  if (next_[left] != kNone) previous_[next_[left]] = left;

  if (add_candidate(symbols, previous_[left], left)) {
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }
  if (add_candidate(symbols, left, next_[left])) {
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }
}

void Merger::merge_by_heap(std::vector<Symbol>& symbols) {
  seed(symbols);
  std::make_heap(heap_.begin(), heap_.end(), is_later);
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    const Candidate candidate = heap_.back();
    heap_.pop_back();
    apply(symbols, candidate);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.end == 0; });
}

}  // namespace chasqui::text
