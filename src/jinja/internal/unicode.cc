#include "jinja/internal/unicode.h"

#include <utf8proc.h>

#include <algorithm>

namespace chasqui::jinja {
namespace {

constexpr int32_t kStrayByte = 0xDC00;

utf8proc_category_t category(int32_t code) {
  return utf8proc_category(code);
}

template <typename Map>
std::string map_chars(std::string_view text, const Map& map) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view character = text.substr(0, char_bytes(text));
    text.remove_prefix(character.size());
    map(out, code_point(character));
  }
  return out;
}

}  // namespace

size_t char_bytes(std::string_view text) {
  if (text.empty()) return 0;
  if (static_cast<unsigned char>(text[0]) < 0x80) return 1;
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &code);
  return bytes > 0 ? static_cast<size_t>(bytes) : 1;
}

int32_t code_point(std::string_view character) {
  if (character.empty()) return 0;
  const auto first = static_cast<unsigned char>(character[0]);
  if (first < 0x80) return first;
  utf8proc_int32_t code = 0;
  const utf8proc_ssize_t bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(character.data()),
                       static_cast<utf8proc_ssize_t>(character.size()), &code);
  return bytes > 0 ? code : kStrayByte + first;
}

void append_code_point(std::string& out, int32_t code) {
  if (code >= kStrayByte + 0x80 && code <= kStrayByte + 0xFF) {
    out.push_back(static_cast<char>(code - kStrayByte));
    return;
  }
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t size = utf8proc_encode_char(code, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

size_t count_chars(std::string_view text) {
  if (is_ascii(text)) return text.size();
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(char_bytes(text));
  return count;
}

std::vector<size_t> char_offsets(std::string_view text) {
  std::vector<size_t> offsets;
  offsets.reserve(text.size() + 1);
  for (size_t at = 0; at < text.size(); at += char_bytes(text.substr(at))) offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

bool is_space(int32_t code) {
  if (code < 0x80) return (code >= 9 && code <= 13) || code == ' ' || (code >= 28 && code <= 31);
  if (code == 0x85) return true;
  const utf8proc_category_t kind = category(code);
  return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL ||
         kind == UTF8PROC_CATEGORY_ZP;
}

bool is_alpha(int32_t code) {
  const utf8proc_category_t kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_digit(int32_t code) {
  return category(code) == UTF8PROC_CATEGORY_ND;
}

bool is_upper(int32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LU;
}

bool is_lower(int32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LL;
}

int32_t to_upper(int32_t code) {
  if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 32 : code;
  return utf8proc_toupper(code);
}

int32_t to_lower(int32_t code) {
  if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
  return utf8proc_tolower(code);
}

std::string upper(std::string_view text) {
  return map_chars(text, [](std::string& out, int32_t code) {
    if (code == 0xDF) {
      out += "SS";
    } else {
      append_code_point(out, to_upper(code));
    }
  });
}

std::string lower(std::string_view text) {
  return map_chars(text,
                   [](std::string& out, int32_t code) { append_code_point(out, to_lower(code)); });
}

size_t leading_space(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const std::string_view rest = text.substr(bytes);
    const size_t size = char_bytes(rest);
    if (!is_space(code_point(rest.substr(0, size)))) break;
    bytes += size;
  }
  return bytes;
}

size_t trailing_space(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    // Back to the character's first byte; a character has at most four.
    while (begin > 0 && end - begin < 4 && (text[begin] & 0xC0) == 0x80) --begin;
    const std::string_view last = text.substr(begin, end - begin);
    if (char_bytes(last) != last.size() || !is_space(code_point(last))) break;
    end = begin;
  }
  return text.size() - end;
}

}  // namespace chasqui::jinja
