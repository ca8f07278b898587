// A literal that is a token and not a text, as bytes: a mark that no UTF-8 has, and the token's
// number. So expressions and machines need not know of tokens.
#pragma once

#include <array>
#include <cstdint>

namespace chasqui::grammar {

inline constexpr char kTokenMark = '\xFF';

inline std::array<uint8_t, 4> token_literal(int32_t token) {
  const auto id = static_cast<uint32_t>(token);
  return {0xFF, static_cast<uint8_t>(id >> 16), static_cast<uint8_t>(id >> 8),
          static_cast<uint8_t>(id)};
}

}  // namespace chasqui::grammar
