// Frames of SchemaMachine as words: each frame lists its fields once, in pass(), and these two
// write and read them in that order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "grammar/internal/json_string.h"

namespace chasqui::grammar {

class FrameWriter {
 public:
  explicit FrameWriter(uint32_t kind) : words_{kind} {}

  void word(uint32_t value) { words_.push_back(value); }
  void place(const StringPlace& place) {
    word(static_cast<uint32_t>(place.packed()));
    word(static_cast<uint32_t>(place.packed() >> 32));
  }
  // A list of known length, and one that takes what is left.
  void list(const std::vector<uint32_t>& values) {
    words_.insert(words_.end(), values.begin(), values.end());
  }
  void rest(const std::vector<uint32_t>& values) { list(values); }

  const std::vector<uint32_t>& words() const { return words_; }

 private:
  std::vector<uint32_t> words_;
};

class FrameReader {
 public:
  // `words` begins with the kind.
  explicit FrameReader(std::span<const uint32_t> words) : words_(words.subspan(1)) {}

  void word(uint32_t& value) {
    value = words_.front();
    words_ = words_.subspan(1);
  }
  void place(StringPlace& place) {
    uint32_t low = 0, high = 0;
    word(low);
    word(high);
    place = StringPlace::unpack(low | uint64_t{high} << 32);
  }
  // REQUIRES: `values` has its length.
  void list(std::vector<uint32_t>& values) {
    for (uint32_t& value : values) word(value);
  }
  void rest(std::vector<uint32_t>& values) { values.assign(words_.begin(), words_.end()); }

 private:
  std::span<const uint32_t> words_;
};

}  // namespace chasqui::grammar
