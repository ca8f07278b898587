#include "grammar/internal/byte_partition.h"

#include <algorithm>
#include <numeric>

#include "grammar/internal/words.h"

namespace chasqui::grammar {
namespace {

// Grammars of the golden sample stay below 2,000; what has more is better off without.
constexpr size_t kMaxPartitions = 10'000;
constexpr size_t kMaxRefined = 100'000;

}  // namespace

BytePartitions::BytePartitions() {
  put(ByteClasses{});
  ByteClasses each;
  std::iota(each.begin(), each.end(), uint8_t{0});
  put(each);
}

BytePartitions::Id BytePartitions::put(const ByteClasses& classes) {
  if (const auto known = ids_.find(classes); known != ids_.end()) return known->second;
  if (classes_.size() >= kMaxPartitions) return kEachByte;
  const auto id = static_cast<Id>(classes_.size());
  classes_.push_back(classes);
  ids_.emplace(classes, id);
  return id;
}

BytePartitions::Id BytePartitions::of_set(const ByteSet& set) {
  ByteClasses classes;
  for (unsigned byte = 0; byte < 256; ++byte) {
    classes[byte] = set.has(static_cast<uint8_t>(byte)) == set.has(0) ? 0 : 1;
  }
  return put(classes);
}

BytePartitions::Id BytePartitions::of_words(const std::vector<std::string>& words,
                                            std::pair<uint32_t, uint32_t> range, uint32_t depth) {
  Id all = kWhole;
  for (uint32_t at = range.first; at < range.second;) {
    if (words[at].size() <= depth) {
      ++at;
      continue;
    }
    const auto byte = static_cast<uint8_t>(words[at][depth]);
    if (of_byte_[byte] == 0) {
      ByteSet one;
      one.add(byte);
      of_byte_[byte] = of_set(one);
    }
    all = refine(all, of_byte_[byte]);
    at = words_going_on(words, {at, range.second}, depth, byte).second;
  }
  return all;
}

BytePartitions::Id BytePartitions::refine(Id a, Id b) {
  if (a > b) std::swap(a, b);
  if (a == kWhole || a == b) return b;
  if (a == kEachByte) return a;
  const uint64_t key = uint64_t{a} << 32 | b;
  if (const auto known = refined_.find(key); known != refined_.end()) return known->second;
  if (refined_.size() >= kMaxRefined) return kEachByte;
  std::unordered_map<uint32_t, uint8_t> numbers;
  ByteClasses both;
  for (size_t byte = 0; byte < 256; ++byte) {
    const uint32_t pair = uint32_t{classes_[a][byte]} << 8 | classes_[b][byte];
    both[byte] = numbers.try_emplace(pair, static_cast<uint8_t>(numbers.size())).first->second;
  }
  const Id id = put(both);
  refined_.emplace(key, id);
  return id;
}

}  // namespace chasqui::grammar
