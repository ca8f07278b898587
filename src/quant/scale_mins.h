// How Q4_K and Q5_K pack the scales and minima of their 8 groups: sixteen 6-bit numbers in 12
// bytes. Groups 0 to 3 lie plainly in the low six bits of bytes 0..3 (scales) and 4..7 (minima);
// groups 4 to 7 have their low four bits in bytes 8..11 (scale low, minimum high nibble) and their
// high two bits in the top of bytes 0..3 and 4..7.
#pragma once

#include <cstdint>

namespace chasqui::quant {

struct PackedScaleMins {
  uint8_t bytes[12];
};
static_assert(sizeof(PackedScaleMins) == 12);

// All numbers in 0..63; index = group.
struct ScaleMins {
  uint8_t scale[8];
  uint8_t min[8];
};

// Pure functions, inverse to each other for numbers in 0..63 (pack does not check). Kernels that
// unpack whole blocks at once check themselves against these.
inline ScaleMins unpack(const PackedScaleMins& packed) {
  const uint8_t* b = packed.bytes;
  ScaleMins out;
  for (int g = 0; g < 4; ++g) {
    out.scale[g] = b[g] & 63;
    out.min[g] = b[g + 4] & 63;
    out.scale[g + 4] = static_cast<uint8_t>((b[g + 8] & 15) | (b[g] >> 6) << 4);
    out.min[g + 4] = static_cast<uint8_t>(b[g + 8] >> 4 | (b[g + 4] >> 6) << 4);
  }
  return out;
}

inline PackedScaleMins pack(const ScaleMins& numbers) {
  PackedScaleMins out;
  for (int g = 0; g < 4; ++g) {
    const uint8_t scale = numbers.scale[g + 4];
    const uint8_t min = numbers.min[g + 4];
    out.bytes[g] = static_cast<uint8_t>(numbers.scale[g] | (scale >> 4) << 6);
    out.bytes[g + 4] = static_cast<uint8_t>(numbers.min[g] | (min >> 4) << 6);
    out.bytes[g + 8] = static_cast<uint8_t>((scale & 15) | (min & 15) << 4);
  }
  return out;
}

}  // namespace chasqui::quant
