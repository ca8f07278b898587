#include "text/internal/merger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "base/rng.h"

namespace chasqui::text {
namespace {

// The definition, O(n^2): look at all neighbours, merge the best, start again.
void merge_naively(const MergeTable& table, std::vector<Symbol>& symbols) {
  for (;;) {
    size_t best = symbols.size();
    const FlatMap::Value* best_rule = nullptr;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto* rule = table.find(symbols[i].id, symbols[i + 1].id);
      if (rule != nullptr && (best_rule == nullptr || rule->first < best_rule->first)) {
        best = i;
        best_rule = rule;
      }
    }
    if (best_rule == nullptr) return;
    symbols[best].id = best_rule->second;
    symbols[best].end = symbols[best + 1].end;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

std::vector<Symbol> random_word(Rng& rng, size_t length, uint64_t letters) {
  std::vector<Symbol> word;
  for (uint32_t i = 0; i < length; ++i) {
    const bool unknown = rng.below(50) == 0;
    word.push_back({unknown ? kNoSymbol : static_cast<SymbolId>(rng.below(letters)), i, i + 1});
  }
  return word;
}

// Rules among `letters` letters and their compounds. With `ties`, priorities collide, as equal
// scores of SentencePiece do.
MergeTable random_table(Rng& rng, uint64_t letters, int rules, bool ties) {
  MergeTable table;
  auto symbols = static_cast<SymbolId>(letters);
  for (int i = 0; i < rules; ++i) {
    const auto left = static_cast<SymbolId>(rng.below(symbols));
    const auto right = static_cast<SymbolId>(rng.below(symbols));
    const auto priority = static_cast<uint32_t>(ties ? rng.below(4) : rng.below(1000));
    table.add(left, right, {priority, symbols++});
  }
  return table;
}

bool same(const std::vector<Symbol>& a, const std::vector<Symbol>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Symbol& x, const Symbol& y) {
    return x.id == y.id && x.begin == y.begin && x.end == y.end;
  });
}

TEST(Merger, EqualsTheNaiveLoop) {
  Rng rng(3);
  for (int round = 0; round < 3000; ++round) {
    const uint64_t letters = 1 + rng.below(4);
    const MergeTable table =
        random_table(rng, letters, static_cast<int>(rng.below(30)), round % 2 == 0);
    // Short words take the scan, long ones the heap; the same Merger serves both.
    Merger merger(table);
    for (const size_t longest : {8, 24, 120}) {
      auto word = random_word(rng, rng.below(longest + 1), letters);
      auto expected = word;
      merger.merge(word);
      merge_naively(table, expected);
      ASSERT_TRUE(same(word, expected)) << "round " << round << ", length " << longest;
    }
  }
}

TEST(Merger, WorkIsLinearInPushes) {
  // Pairs double up: a a -> aa, aa aa -> aaaa, ...: every symbol takes part in every level.
  MergeTable table;
  for (uint32_t level = 0; level < 20; ++level) table.add(level, level, {level, level + 1});
  for (const uint32_t length : {1000u, 100'000u, 1'000'000u}) {
    std::vector<Symbol> word;
    for (uint32_t i = 0; i < length; ++i) word.push_back({0, i, i + 1});
    Merger merger(table);
    merger.merge(word);
    EXPECT_LE(merger.heap_pushes(), uint64_t{2} * length);
    EXPECT_EQ(word.size(), static_cast<size_t>(std::popcount(length % (1u << 20))));
  }
}

TEST(FlatMap, KeepsTheFirstAndFindsAll) {
  FlatMap map;
  EXPECT_EQ(map.find(1), nullptr);
  Rng rng(4);
  std::vector<uint64_t> keys;
  for (uint32_t i = 0; i < 5000; ++i) {
    // Neighbouring keys and random ones: both must spread.
    keys.push_back(i % 2 == 0 ? i : rng.next() >> 1);
    EXPECT_TRUE(map.insert(keys.back(), {i, i + 1}));
  }
  EXPECT_FALSE(map.insert(keys[7], {99, 99}));
  EXPECT_EQ(map.size(), keys.size());
  for (uint32_t i = 0; i < keys.size(); ++i) {
    const auto* value = map.find(keys[i]);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(value->first, i);
    EXPECT_EQ(value->second, i + 1);
  }
  EXPECT_EQ(map.find(0x8000000000000000ull), nullptr);
}

}  // namespace
}  // namespace chasqui::text
