// Logits that are no numbers: the mark of damaged weights.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace chasqui::engine {

// Every comparison of sampling would pass over NaNs in silence. By bits, because the compiler may
// not reorder float arithmetic and would go through them one by one.
inline bool all_finite(std::span<const float> values) {
  uint32_t odd = 0;
  for (const float value : values) {
    constexpr uint32_t kExponent = 0x7f800000;
    odd |= static_cast<uint32_t>((std::bit_cast<uint32_t>(value) & kExponent) == kExponent);
  }
  return odd == 0;
}

}  // namespace chasqui::engine
