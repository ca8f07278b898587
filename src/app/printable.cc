#include "app/printable.h"

#include <fmt/format.h>

namespace chasqui::app {
namespace {

bool is_control(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

// U+0080 to U+009F are 0xC2 and a byte from 0x80 to 0x9F.
bool begins_control(std::string_view text, size_t at) {
  if (static_cast<unsigned char>(text[at]) != 0xc2 || at + 1 == text.size()) return false;
  const auto next = static_cast<unsigned char>(text[at + 1]);
  return next >= 0x80 && next <= 0x9f;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (begins_control(text, i)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else {
      out += is_control(byte) ? fmt::format("\\x{:02x}", byte) : std::string(1, text[i]);
    }
  }
  return out;
}

}  // namespace chasqui::app
