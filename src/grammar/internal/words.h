// Sorted words that share a beginning, narrowed byte by byte.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace chasqui::grammar {

// Of words[first, last), which are sorted and agree in their first `depth` bytes: the range of
// those that go on with `byte`. (Not std::ranges::equal_range: clang 14, which builds the fuzzers,
// cannot compile it with the ranges of g++ 12's library.)
inline std::pair<uint32_t, uint32_t> words_going_on(const std::vector<std::string>& words,
                                                    std::pair<uint32_t, uint32_t> range,
                                                    uint32_t depth, uint8_t byte) {
  const auto byte_of = [depth](const std::string& word) {
    return word.size() > depth ? static_cast<int>(static_cast<uint8_t>(word[depth])) : -1;
  };
  const auto end = words.begin() + range.second;
  const auto first =
      std::partition_point(words.begin() + range.first, end,
                           [&](const std::string& word) { return byte_of(word) < int{byte}; });
  const auto last = std::partition_point(
      first, end, [&](const std::string& word) { return byte_of(word) <= int{byte}; });
  return {static_cast<uint32_t>(first - words.begin()),
          static_cast<uint32_t>(last - words.begin())};
}

}  // namespace chasqui::grammar
