// The grids of the IQ formats: which run of values an index in a block stands for. Packed by
// make_iq_grids.py; the functions below unpack one entry.
#pragma once

#include <bit>
#include <cstdint>

namespace chasqui::quant::internal {

extern const uint16_t kIq2XxsGrid[256];  // 8 values of 2 bits, as the other IQ2 and the IQ1 grid
extern const uint16_t kIq2XsGrid[512];
extern const uint16_t kIq2SGrid[1024];
extern const uint16_t kIq3XxsGrid[256];  // 4 values of 3 bits
extern const uint16_t kIq3SGrid[512];    // 4 values of 3 bits
extern const uint16_t kIq1Grid[2048];

// What the codes of an entry stand for.
inline constexpr float kIq1Levels[3] = {-1, 0, 1};
inline constexpr float kIq2Levels[3] = {8, 25, 43};
inline constexpr float kIq3XxsLevels[8] = {4, 12, 20, 28, 36, 44, 52, 62};
inline constexpr float kIq3SLevels[8] = {1, 3, 5, 7, 9, 11, 13, 15};

// Value i of an entry.
inline float iq2_value(uint16_t entry, int i) {
  return kIq2Levels[entry >> (2 * i) & 3];
}
inline float iq3_xxs_value(uint16_t entry, int i) {
  return kIq3XxsLevels[entry >> (3 * i) & 7];
}
inline float iq3_s_value(uint16_t entry, int i) {
  return kIq3SLevels[entry >> (3 * i) & 7];
}
inline float iq1_value(uint16_t entry, int i) {
  return kIq1Levels[entry >> (2 * i) & 3];
}

// The signs of 8 values from 7 bits: the number of minus signs is always even, so the eighth need
// not be stored. Bit i set: value i is negative.
inline unsigned signs_of_seven(unsigned bits) {
  return bits | static_cast<unsigned>(std::popcount(bits) & 1) << 7;
}

inline float with_sign(float value, unsigned signs, int i) {
  return (signs >> i & 1) != 0 ? -value : value;
}

}  // namespace chasqui::quant::internal
