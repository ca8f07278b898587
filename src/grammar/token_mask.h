// A set of token ids, one bit each.
#pragma once

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
  const std::vector<uint64_t>& words() const { return words_; }
  bool operator==(const TokenMask&) const = default;

 private:
  int32_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace chasqui::grammar
