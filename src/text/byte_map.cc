#include "text/internal/byte_map.h"

#include <array>

#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

constexpr uint32_t kFirstSubstitute = 0x100;
constexpr uint32_t kEnd = 0x144;  // 68 bytes need a substitute

constexpr bool is_printable(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr auto kByteToCodePoint = [] {
  std::array<uint16_t, 256> map{};
  uint32_t substitute = kFirstSubstitute;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    map[byte] = static_cast<uint16_t>(is_printable(byte) ? byte : substitute++);
  }
  return map;
}();

constexpr auto kCodePointToByte = [] {
  std::array<int16_t, kEnd> map{};
  map.fill(-1);
  for (uint32_t byte = 0; byte < 256; ++byte) {
    map[kByteToCodePoint[byte]] = static_cast<int16_t>(byte);
  }
  return map;
}();

}  // namespace

uint32_t byte_to_code_point(uint8_t byte) {
  return kByteToCodePoint[byte];
}

int code_point_to_byte(uint32_t code_point) {
  return code_point < kEnd ? kCodePointToByte[code_point] : -1;
}

std::string spell_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) append_utf8(byte_to_code_point(static_cast<uint8_t>(c)), out);
  return out;
}

std::string unspell_bytes(std::string_view spelling) {
  std::string out;
  out.reserve(spelling.size());
  for (size_t at = 0; at < spelling.size();) {
    const Utf8Scan scan = scan_utf8(spelling, at);
    const auto lead = static_cast<uint8_t>(spelling[at]);
    uint32_t code_point = lead;
    // Every character of the map has one or two bytes.
    if (scan.length == 2) code_point = (lead & 0x1Fu) << 6 | (spelling[at + 1] & 0x3Fu);
    const bool in_map = scan.state == Utf8Scan::State::kValid && scan.length <= 2;
    const int byte = in_map ? code_point_to_byte(code_point) : -1;
    if (byte >= 0) {
      out.push_back(static_cast<char>(byte));
    } else {
      out.append(spelling, at, scan.length);
    }
    at += scan.length;
  }
  return out;
}

}  // namespace chasqui::text
