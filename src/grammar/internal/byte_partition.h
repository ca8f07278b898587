// Bytes that mean the same to a state, put together: a step computed for one of them holds for all.
// Most states tell fewer than ten classes apart, so that ten steps do instead of 256.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/internal/byte_set.h"

namespace chasqui::grammar {

// By byte: the number of its class, in order of first appearance.
using ByteClasses = std::array<uint8_t, 256>;

// Partitions of the 256 bytes, equal ones with equal ids. Not thread-safe; never forgets.
class BytePartitions {
 public:
  using Id = uint32_t;
  static constexpr Id kWhole = 0;     // one class
  static constexpr Id kEachByte = 1;  // 256 classes: always right, and what is said when too many
                                      // partitions are known

  BytePartitions();

  // Valid as long as the object.
  const ByteClasses& classes(Id id) const { return classes_[id]; }

  Id of_set(const ByteSet& set);  // the set and the others
  // By what words[first, last), which agree in their first `depth` bytes, go on with.
  Id of_words(const std::vector<std::string>& words, std::pair<uint32_t, uint32_t> range,
              uint32_t depth);
  // The coarsest that tells apart what one of the two does.
  Id refine(Id a, Id b);

  size_t bytes_held() const { return classes_.size() * 600 + refined_.size() * 48; }

 private:
  Id put(const ByteClasses& classes);

  std::deque<ByteClasses> classes_;  // by id
  std::map<ByteClasses, Id> ids_;
  std::unordered_map<uint64_t, Id> refined_;  // (a << 32 | b), a < b
  std::array<Id, 256> of_byte_ = {};          // {byte} and the others; 0 where not asked for yet
};

}  // namespace chasqui::grammar
