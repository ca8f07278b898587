// Ranges of code points as ranges of bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chasqui::grammar {

struct CodeRange;

struct Utf8Sequence {
  struct Range {
    uint8_t first = 0;
    uint8_t last = 0;
  };
  std::array<Range, 4> bytes = {};
  int length = 0;  // 1 to 4
};

// Sequences that together match exactly the UTF-8 of the code points in `ranges`, without
// surrogates. Ranges may overlap and come in any order.
std::vector<Utf8Sequence> split_utf8(std::span<const CodeRange> ranges);

// Sorted, joined where they touch.
std::vector<CodeRange> join_ranges(std::span<const CodeRange> ranges);
// Everything from U+0000 to U+10FFFF that is not in `ranges`.
std::vector<CodeRange> invert_ranges(std::span<const CodeRange> ranges);
// Whether all plain characters (is_plain in json_string.h) are in.
bool covers_plain_text(std::span<const CodeRange> ranges);

void append_code_point(uint32_t code_point, std::string& out);

}  // namespace chasqui::grammar
