// The merging loop that SentencePiece BPE and byte-level BPE share: of all neighbouring symbols
// that may merge, the pair of the lowest priority number goes first, the leftmost among equals,
// until none is left. Algorithm: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare
// Words with Subword Units", 2016; with a heap over a linked list, O(n log n) for any text.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/internal/flat_map.h"

namespace chasqui::text {

// Tokens have their ids; texts that are no token but take part in merges get numbers from the
// size of the vocabulary on.
using SymbolId = uint32_t;
constexpr SymbolId kNoSymbol = UINT32_MAX;  // merges with nothing

// Bytes [begin, end) of the word that is being merged.
struct Symbol {
  SymbolId id = kNoSymbol;
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Which pairs merge. Immutable once built; any thread may read.
class MergeTable {
 public:
  struct Rule {
    uint32_t priority;  // lower merges first
    SymbolId result;
  };

  void reserve(size_t rules) { rules_.reserve(rules); }
  // The first rule for a pair stays. REQUIRES: neither side is kNoSymbol.
  void add(SymbolId left, SymbolId right, Rule rule) {
    rules_.insert(key(left, right), {rule.priority, rule.result});
  }
  // nullptr when the pair does not merge; `first` is the priority, `second` the result.
  const FlatMap::Value* find(SymbolId left, SymbolId right) const {
    if (left == kNoSymbol || right == kNoSymbol) return nullptr;
    return rules_.find(key(left, right));
  }
  size_t size() const { return rules_.size(); }

 private:
  static uint64_t key(SymbolId left, SymbolId right) { return uint64_t{left} << 32 | right; }
  FlatMap rules_;
};

// Scratch memory for one thread, kept between words so that they allocate nothing.
class Merger {
 public:
  explicit Merger(const MergeTable& table) : table_(table) {}

  // Replaces `symbols`, which lie side by side, by what they merge to.
  void merge(std::vector<Symbol>& symbols);

  // Pushes onto the heap so far: at most 2 for each merge, of which there are fewer than symbols
  // that came in. For tests.
  uint64_t heap_pushes() const { return heap_pushes_; }

 private:
  // A possible merge. Stale once the left symbol is gone or [left, right_end) is no longer
  // covered by exactly the left symbol and its neighbour.
  struct Candidate {
    uint64_t order;  // priority, then index of the left symbol
    uint32_t right_end;
    SymbolId result;
  };
  static bool is_later(const Candidate& a, const Candidate& b) { return a.order > b.order; }

  void merge_by_scan(std::vector<Symbol>& symbols);
  void merge_by_heap(std::vector<Symbol>& symbols);
  void seed(const std::vector<Symbol>& symbols);
  // The merge of two neighbours, kNone for none; nullopt when they do not merge.
  std::optional<Candidate> candidate(const std::vector<Symbol>& symbols, uint32_t left,
                                     uint32_t right) const;
  void push(const std::optional<Candidate>& found);
  void apply(std::vector<Symbol>& symbols, const Candidate& chosen);
  uint64_t rule_of(const std::vector<Symbol>& symbols, size_t left) const;

  const MergeTable& table_;
  std::vector<Candidate> seeds_;    // merges of the symbols that came in, by `order`
  std::vector<Candidate> heap_;     // merges that arose since: a min-heap by `order`
  std::vector<uint32_t> previous_;  // links between the living symbols
  std::vector<uint32_t> next_;
  std::vector<uint64_t> rules_;  // for the scan: rule between symbol i and i + 1
  uint64_t heap_pushes_ = 0;
};

}  // namespace chasqui::text
