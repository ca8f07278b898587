#include "grammar/internal/utf8_ranges.h"

#include <algorithm>

#include "grammar/internal/expr_pool.h"

namespace chasqui::grammar {
namespace {

constexpr uint32_t kLast = 0x10FFFF;

int encode(uint32_t code, std::array<uint8_t, 4>& out) {
  const auto tail = [code](int shift) {
    return static_cast<uint8_t>(0x80 | ((code >> shift) & 63));
  };
  if (code < 0x80) {
    out[0] = static_cast<uint8_t>(code);
    return 1;
  }
  if (code < 0x800) {
    out[0] = static_cast<uint8_t>(0xC0 | (code >> 6));
    out[1] = tail(0);
    return 2;
  }
  if (code < 0x10000) {
    out[0] = static_cast<uint8_t>(0xE0 | (code >> 12));
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<uint8_t>(0xF0 | (code >> 18));
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

// The largest end <= last so that first..end is one product of byte ranges.
uint32_t end_of_product(uint32_t first, uint32_t last) {
  for (const uint32_t border : {0x7Fu, 0x7FFu, 0xFFFFu}) {
    if (first <= border && last > border) last = border;
  }
  if (first < 0x80) return last;
  for (uint32_t block = 64; block <= (1u << 18); block <<= 6) {
    const uint32_t low = block - 1;
    if ((first & ~low) == (last & ~low)) return last;   // differ in lower bytes only
    if ((first & low) != 0) return first | low;         // up to the end of its block
    if ((last & low) != low) last = (last & ~low) - 1;  // whole blocks first
  }
  return last;
}

void split_range(uint32_t first, uint32_t last, std::vector<Utf8Sequence>& out) {
  while (first <= last) {
    const uint32_t end = end_of_product(first, last);
    std::array<uint8_t, 4> low = {};
    std::array<uint8_t, 4> high = {};
    Utf8Sequence sequence;
    sequence.length = encode(first, low);
    encode(end, high);
    for (int i = 0; i < sequence.length; ++i) {
      const auto at = static_cast<size_t>(i);
      sequence.bytes[at] = {low[at], high[at]};
    }
    out.push_back(sequence);
    first = end + 1;
  }
}

}  // namespace

std::vector<CodeRange> join_ranges(std::span<const CodeRange> ranges) {
  std::vector<CodeRange> sorted(ranges.begin(), ranges.end());
  std::ranges::sort(sorted, {}, &CodeRange::first);
  std::vector<CodeRange> joined;
  for (const CodeRange& range : sorted) {
    if (!joined.empty() && range.first <= joined.back().last + 1) {
      joined.back().last = std::max(joined.back().last, range.last);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<CodeRange> invert_ranges(std::span<const CodeRange> ranges) {
  std::vector<CodeRange> rest;
  uint32_t next = 0;
  for (const CodeRange& range : join_ranges(ranges)) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLast) rest.push_back({next, kLast});
  return rest;
}

std::vector<Utf8Sequence> split_utf8(std::span<const CodeRange> ranges) {
  std::vector<Utf8Sequence> out;
  for (const CodeRange& range : join_ranges(ranges)) {
    if (range.first < 0xD800) split_range(range.first, std::min(range.last, 0xD7FFu), out);
    if (range.last > 0xDFFF) split_range(std::max(range.first, 0xE000u), range.last, out);
  }
  return out;
}

bool covers_plain_text(std::span<const CodeRange> ranges) {
  std::vector<CodeRange> all(ranges.begin(), ranges.end());
  // What plain text does not have may be missing.
  for (const CodeRange gap : {CodeRange{0, 0x1F},
                              {'"', '"'},
                              {'\\', '\\'},
                              {0x7F, 0x9F},
                              {0xD800, 0xDFFF},
                              {0x2028, 0x2029}}) {
    all.push_back(gap);
  }
  return invert_ranges(all).empty();
}

void append_code_point(uint32_t code_point, std::string& out) {
  std::array<uint8_t, 4> bytes = {};
  const int length = encode(code_point, bytes);
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(length));
}

}  // namespace chasqui::grammar
