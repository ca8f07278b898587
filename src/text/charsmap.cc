#include "text/internal/charsmap.h"

#include <fmt/format.h>

#include <algorithm>

namespace chasqui::text {
namespace {

uint32_t read_u32(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < sizeof value; ++i) {
    value |= std::to_integer<uint32_t>(bytes[i]) << (8 * i);
  }
  return value;
}

// The parts of a unit. A label has bit 31 clear; in a unit that holds a value it is set, so that
// no byte leads to one.
uint32_t label_of(uint32_t unit) {
  return unit & (uint32_t{1} << 31 | 0xFF);
}
bool has_value(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}
uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & uint32_t{1} << 9) >> 6);
}
uint32_t value_of(uint32_t unit) {
  return unit & ~(uint32_t{1} << 31);
}

tl::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, std::move(what));
}

size_t longest_string(std::string_view strings) {
  size_t longest = 0;
  for (size_t begin = 0; begin < strings.size();) {
    const size_t end = strings.find('\0', begin);
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  return longest;
}

}  // namespace

Result<Charsmap> Charsmap::read(std::span<const std::byte> bytes) {
  Charsmap result;
  if (bytes.empty()) return result;  // no rules
  if (bytes.size() < sizeof(uint32_t)) return corrupt("is too short to hold the size of its trie");
  const size_t trie_bytes = read_u32(bytes);
  bytes = bytes.subspan(sizeof(uint32_t));
  if (trie_bytes > bytes.size() || trie_bytes % sizeof(uint32_t) != 0) {
    return corrupt(fmt::format("claims a trie of {} bytes; {} follow, and it has 4 bytes a unit",
                               trie_bytes, bytes.size()));
  }
  for (size_t at = 0; at < trie_bytes; at += sizeof(uint32_t)) {
    result.units_.push_back(read_u32(bytes.subspan(at)));
  }
  bytes = bytes.subspan(trie_bytes);
  if (bytes.empty()) return result;
  result.replacements_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (result.replacements_.back() != '\0') return corrupt("ends inside a replacement");
  const size_t longest = longest_string(result.replacements_);
  if (longest > kLongestReplacement) {
    return corrupt(fmt::format("holds a replacement of {} bytes; expected at most {}", longest,
                               kLongestReplacement));
  }
  return result;
}

Charsmap::Match Charsmap::longest(std::string_view text) const {
  Match best;
  if (units_.empty()) return best;
  text = text.substr(0, kLongestSpelling);
  uint32_t at = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    at ^= byte;
    // NUL is the label of values' places, never of a step.
    if (byte == 0 || at >= units_.size() || label_of(units_[at]) != byte) break;
    const uint32_t unit = units_[at];
    at ^= offset_of(unit);
    if (!has_value(unit)) continue;
    const size_t place = at < units_.size() ? value_of(units_[at]) : replacements_.size();
    if (place >= replacements_.size()) continue;
    best = {i + 1, std::string_view(replacements_.data() + place)};
  }
  return best;
}

}  // namespace chasqui::text
