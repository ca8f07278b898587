#include "http/internal/request_id.h"

#include <openssl/rand.h>

#include <array>
#include <cstdint>

#include "base/check.h"

namespace chasqui::http {
namespace {

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

bool is_uuid(std::string_view text) {
  const bool hyphens = text.size() == 36;
  if (!hyphens && text.size() != 32) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool separator = hyphens && (i == 8 || i == 13 || i == 18 || i == 23);
    if (separator ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

std::string random_uuid_hex() {
  std::array<uint8_t, 16> bytes{};
  const int drawn = RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  CHASQUI_CHECK(drawn == 1, "OpenSSL has no random numbers");
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 9562
  std::string text;
  for (uint8_t byte : bytes) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

}  // namespace chasqui::http
