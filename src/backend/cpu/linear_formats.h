// How each packed format becomes weights in registers: one load function a format. Everything else
// (linear_quant_kernels.cc) is the same for all.
#pragma once

#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

// What the inner product needs to know of a format; formats with equal traits share a tile kernel.
struct Traits {
  int start;    // XField that undoes the offset of the unsigned values, -1: none
  bool wide;    // values use all 8 bits
  bool minima;  // each group has a minimum to subtract
  bool halves;  // two scales (and minima) a group, for 16 values each
};

// What a group's integer dot products are multiplied with.
struct GroupNumbers {
  F32x16 scales[2];  // the second one only for formats with halves
  F32x16 minima[2];  // formats with minima only; with halves as well: both minima / 32
};
// 32 values of 16 rows, ready for the product.
struct Group : GroupNumbers {
  U8x64 w[8];
};

// The sections of a panel, advanced to a group.
struct GroupAt {
  const uint8_t* scale;
  const uint8_t* high;
  const uint8_t* quant;
};

CHASQUI_INLINE const uint16_t* as_halves(const uint8_t* p) {
  return reinterpret_cast<const uint16_t*>(p);
}
CHASQUI_INLINE F32x16 bytes_to_f32(const uint8_t* p) {
  return to_f32(load_u8x16(p));
}

// A shift to the left by N, to the right by -N.
template <int N>
CHASQUI_INLINE U8x64 shift_u16(U8x64 v) {
  if constexpr (N > 0) return shift_left_u16<N>(v);
  if constexpr (N < 0) return shift_right_u16<-N>(v);
  return v;
}

CHASQUI_INLINE void load_nibbles(const uint8_t* p, U8x64 w[8]) {
  const U8x64 low = u8_set1(0x0f);
  for (int j = 0; j < 4; ++j) {
    const U8x64 both = load_u8(p + 64 * j);
    w[j] = band(both, low);
    w[j + 4] = band(shift_right_u16<4>(both), low);
  }
}
CHASQUI_INLINE void load_bytes(const uint8_t* p, U8x64 w[8]) {
  for (int j = 0; j < 8; ++j) w[j] = load_u8(p + 64 * j);
}
// Adds bit number kBit. Shifts are of 16-bit units; the mask removes what came from the neighbour.
template <int kBit>
CHASQUI_INLINE void add_bit(const uint8_t* p, U8x64 w[8]) {
  const U8x64 h = load_u8(p);
  const U8x64 bit = u8_set1(1 << kBit);
  w[0] = and_or(shift_u16<kBit>(h), bit, w[0]);
  w[1] = and_or(shift_u16<kBit - 1>(h), bit, w[1]);
  w[2] = and_or(shift_u16<kBit - 2>(h), bit, w[2]);
  w[3] = and_or(shift_u16<kBit - 3>(h), bit, w[3]);
  w[4] = and_or(shift_u16<kBit - 4>(h), bit, w[4]);
  w[5] = and_or(shift_u16<kBit - 5>(h), bit, w[5]);
  w[6] = and_or(shift_u16<kBit - 6>(h), bit, w[6]);
  w[7] = and_or(shift_u16<kBit - 7>(h), bit, w[7]);
}
CHASQUI_INLINE void add_two_bits(const uint8_t* p, U8x64 w[8]) {
  const U8x64 bits = u8_set1(0x30);
  for (int half = 0; half < 2; ++half) {
    const U8x64 h = load_u8(p + 64 * half);
    U8x64* v = w + 4 * half;
    v[0] = and_or(shift_left_u16<4>(h), bits, v[0]);
    v[1] = and_or(shift_left_u16<2>(h), bits, v[1]);
    v[2] = and_or(h, bits, v[2]);
    v[3] = and_or(shift_right_u16<2>(h), bits, v[3]);
  }
}

// Formats without super-blocks.
struct NoSuper {
  CHASQUI_INLINE static NoSuper load(const uint8_t*) { return {}; }
};

struct Q4_0 {
  static constexpr PackKind kKind = kPackQ4_0;
  static constexpr Traits kTraits = {kXStart8, false, false, false};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super&) {
    Group g;
    load_nibbles(at.quant, g.w);
    g.scales[0] = load_f16(as_halves(at.scale));
    return g;
  }
};
struct Q4_1 {
  static constexpr PackKind kKind = kPackQ4_1;
  static constexpr Traits kTraits = {-1, false, true, false};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super&) {
    Group g;
    load_nibbles(at.quant, g.w);
    g.scales[0] = load_f16(as_halves(at.scale));
    g.minima[0] = load_f16(as_halves(at.scale + 32));
    return g;
  }
};
struct Q5_0 {
  static constexpr PackKind kKind = kPackQ5_0;
  static constexpr Traits kTraits = {kXStart16, false, false, false};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g = Q4_0::load(at, super);
    add_bit<4>(at.high, g.w);
    return g;
  }
};
struct Q5_1 {
  static constexpr PackKind kKind = kPackQ5_1;
  static constexpr Traits kTraits = {-1, false, true, false};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g = Q4_1::load(at, super);
    add_bit<4>(at.high, g.w);
    return g;
  }
};
struct Q8_0 {
  static constexpr PackKind kKind = kPackQ8_0;
  static constexpr Traits kTraits = {kWideOffset == 0 ? -1 : kXStart128, true, false, false};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super&) {
    Group g;
    load_bytes(at.quant, g.w);
    g.scales[0] = load_f16(as_halves(at.scale));
    return g;
  }
};

struct ScaleAndMin {
  F32x16 d, dmin;
  CHASQUI_INLINE static ScaleAndMin load(const uint8_t* p) {
    return {load_f16(as_halves(p)), load_f16(as_halves(p + 32))};
  }
};
// d (11 bits) times a 6-bit or 8-bit integer is exact in f32.
struct Q4_K {
  static constexpr PackKind kKind = kPackQ4_K;
  static constexpr Traits kTraits = {-1, false, true, false};
  using Super = ScaleAndMin;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_nibbles(at.quant, g.w);
    g.scales[0] = mul(super.d, bytes_to_f32(at.scale));
    g.minima[0] = mul(super.dmin, bytes_to_f32(at.scale + 16));
    return g;
  }
};
struct Q5_K {
  static constexpr PackKind kKind = kPackQ5_K;
  static constexpr Traits kTraits = {-1, false, true, false};
  using Super = ScaleAndMin;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g = Q4_K::load(at, super);
    add_bit<4>(at.high, g.w);
    return g;
  }
};
struct OneScale {
  F32x16 d;
  CHASQUI_INLINE static OneScale load(const uint8_t* p) { return {load_f16(as_halves(p))}; }
};
struct Q6_K {
  static constexpr PackKind kKind = kPackQ6_K;
  static constexpr Traits kTraits = {kXStart32, false, false, true};
  using Super = OneScale;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    const int8_t* scales = reinterpret_cast<const int8_t*>(at.scale);
    Group g;
    load_nibbles(at.quant, g.w);
    add_two_bits(at.high, g.w);
    g.scales[0] = mul(super.d, to_f32(load_i8(scales)));
    g.scales[1] = mul(super.d, to_f32(load_i8(scales + 16)));
    return g;
  }
};

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
