// Characters of UTF-8 text as Python's str sees them. Bytes that are not UTF-8 count as one
// character each, so that every function is total.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::jinja {

// Bytes of the character that `text` starts with; 0 only for an empty text.
size_t char_bytes(std::string_view text);
// Its code point; a stray byte b is 0xDC00 + b, as Python's surrogateescape has it.
int32_t code_point(std::string_view character);
void append_code_point(std::string& out, int32_t code);

size_t count_chars(std::string_view text);
bool is_ascii(std::string_view text);
// Byte offset of each character, and at the end the text's size.
std::vector<size_t> char_offsets(std::string_view text);

bool is_space(int32_t code);  // str.isspace
bool is_alpha(int32_t code);  // str.isalpha
bool is_digit(int32_t code);  // str.isdigit, decimal digits only
bool is_upper(int32_t code);
bool is_lower(int32_t code);
int32_t to_upper(int32_t code);
int32_t to_lower(int32_t code);

// Whole texts, with the few mappings that lengthen ("ß" to "SS").
std::string upper(std::string_view text);
std::string lower(std::string_view text);

// Bytes of white space at the text's ends.
size_t leading_space(std::string_view text);
size_t trailing_space(std::string_view text);

}  // namespace chasqui::jinja
