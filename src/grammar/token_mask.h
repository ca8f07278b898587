// A set of token ids, one bit each.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chasqui::grammar {

class TokenMask {
 public:
  TokenMask() = default;
  explicit TokenMask(int32_t vocab_size)
      : size_(vocab_size), words_((static_cast<size_t>(vocab_size) + 63) / 64) {}

  int32_t size() const { return size_; }
  // REQUIRES for both: 0 <= token < size().
  bool has(int32_t token) const {
    return (words_[static_cast<size_t>(token) >> 6] >> (token & 63)) & 1;
  }
  void add(int32_t token) {
    words_[static_cast<size_t>(token) >> 6] |= uint64_t{1} << (token & 63);
  }
  void add(const TokenMask& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  void remove(const TokenMask& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
  }
  // The token of a set that has exactly one; -1 for all others.
  int32_t only() const {
    size_t at = 0;
    while (at < words_.size() && words_[at] == 0) ++at;
    if (at == words_.size() || !std::has_single_bit(words_[at])) return -1;
    const size_t found = at++;
    while (at < words_.size() && words_[at] == 0) ++at;
    if (at < words_.size()) return -1;
    return static_cast<int32_t>(64 * found) + std::countr_zero(words_[found]);
  }
  const std::vector<uint64_t>& words() const { return words_; }
  bool operator==(const TokenMask&) const = default;

 private:
  int32_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace chasqui::grammar
