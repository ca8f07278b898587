// A set of bytes: 256 bits.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace chasqui::grammar {

struct ByteSet {
  std::array<uint64_t, 4> words = {};

  bool has(uint8_t byte) const { return (words[byte >> 6] >> (byte & 63)) & 1; }
  void add(uint8_t byte) { words[byte >> 6] |= uint64_t{1} << (byte & 63); }
  void add_range(uint8_t first, uint8_t last) {
    for (unsigned byte = first; byte <= last; ++byte) add(static_cast<uint8_t>(byte));
  }
  ByteSet operator|(const ByteSet& other) const {
    ByteSet sum;
    for (size_t i = 0; i < words.size(); ++i) sum.words[i] = words[i] | other.words[i];
    return sum;
  }
  bool empty() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }
  bool operator==(const ByteSet&) const = default;
};

}  // namespace chasqui::grammar
