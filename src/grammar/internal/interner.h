// Gives equal sequences of 32-bit words equal, small ids: what makes states comparable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chasqui::grammar {

class Interner {
 public:
  Interner() : slots_(1024, kFree) {}

  struct Found {
    uint32_t id;
    bool is_new;
  };
  Found put(std::span<const uint32_t> words);
  // Valid until the next put().
  std::span<const uint32_t> get(uint32_t id) const {
    return {words_.data() + starts_[id], starts_[id + 1] - starts_[id]};
  }
  uint32_t size() const { return static_cast<uint32_t>(starts_.size() - 1); }
  size_t bytes_held() const { return 4 * (words_.size() + 2 * slots_.size()) + 16 * size(); }

 private:
  static constexpr uint32_t kFree = 0xFFFFFFFF;
  void grow();

  std::vector<uint32_t> words_;
  std::vector<size_t> starts_ = {0};  // of each id's words, and the end
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;  // open addressing, a power of two, at most half full
};

}  // namespace chasqui::grammar
