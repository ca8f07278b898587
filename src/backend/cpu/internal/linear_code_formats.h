// The formats whose weights are codes: a table of 16 bytes turns each into an unsigned value.
#pragma once

#include "backend/cpu/codebooks.h"
#include "backend/cpu/internal/linear_formats.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

// A codebook with an offset that makes its entries unsigned.
struct ByteTable {
  uint8_t bytes[16];
};
consteval ByteTable with_offset(const Codebook& book, int offset) {
  ByteTable table = {};
  for (int i = 0; i < 16; ++i) table.bytes[i] = static_cast<uint8_t>(book.values[i] + offset);
  return table;
}

template <Codebook kBook, int kOffset>
CHASQUI_INLINE void decode_codes(U8x64 w[8]) {
  static constexpr ByteTable kTable = with_offset(kBook, kOffset);
  const U8x64 table = load_table(kTable.bytes);
  for (int j = 0; j < 8; ++j) w[j] = look_up(table, w[j]);
}

// Scales that are signed or unsigned bytes times the super-block's.
CHASQUI_INLINE F32x16 signed_scale(F32x16 d, const uint8_t* p) {
  return mul(d, to_f32(load_i8(reinterpret_cast<const int8_t*>(p))));
}
CHASQUI_INLINE F32x16 unsigned_scale(F32x16 d, const uint8_t* p) {
  return mul(d, bytes_to_f32(p));
}
CHASQUI_INLINE void load_three_bits(const GroupAt& at, U8x64 w[8]) {
  load_two_bits(at.quant, w);
  add_bit<2>(at.high, w);
}

// Entries of up to 127 in magnitude: the kernels of Q8_0.
constexpr Traits kWideTraits = Q8_0::kTraits;

struct IQ4_NL {
  static constexpr PackKind kKind = kPackIQ4_NL;
  static constexpr Traits kTraits = kWideTraits;
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super&) {
    Group g;
    load_nibbles(at.quant, g.w);
    decode_codes<kIq4Book, 128>(g.w);
    g.scales[0] = load_f16(as_halves(at.scale));
    return g;
  }
};
struct IQ4_XS {
  static constexpr PackKind kKind = kPackIQ4_XS;
  static constexpr Traits kTraits = kWideTraits;
  using Super = OneScale;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_nibbles(at.quant, g.w);
    decode_codes<kIq4Book, 128>(g.w);
    g.scales[0] = signed_scale(super.d, at.scale);
    return g;
  }
};

// 2^(e - 128), see quant/mxfp4.h; the two least are subnormal.
CHASQUI_INLINE F32x16 exponent_scale(const uint8_t* p) {
  const I32x16 e = load_u8x16(p);
  const I32x16 normal = shift_left<23>(isub(e, iset1(1)));
  const I32x16 subnormal = shift_left<21>(iadd(e, iset1(1)));
  return as_f32(iselect(iless(e, iset1(2)), subnormal, normal));
}
struct MXFP4 {
  static constexpr PackKind kKind = kPackMXFP4;
  static constexpr Traits kTraits = {kXStart16, false, false, false};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super&) {
    Group g;
    load_nibbles(at.quant, g.w);
    decode_codes<kFp4Book, 16>(g.w);
    g.scales[0] = exponent_scale(at.scale);
    return g;
  }
};

// A float with 5 bits of exponent and 3 of mantissa and no subnormals, which would make some
// processors slow: its bits at their place in an f32, and the difference of the biases as a factor.
CHASQUI_INLINE F32x16 small_float_scale(const uint8_t* p) {
  return mul(as_f32(shift_left<20>(load_u8x16(p))), set1(0x1.0p+116f));
}
struct NVFP4 {
  static constexpr PackKind kKind = kPackNVFP4;
  static constexpr Traits kTraits = {kXStart32, false, false, true};
  using Super = NoSuper;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super&) {
    Group g;
    load_nibbles(at.quant, g.w);
    decode_codes<kFp4Book, 32>(g.w);
    g.scales[0] = small_float_scale(at.scale);
    g.scales[1] = small_float_scale(at.scale + 16);
    return g;
  }
};

struct Q3_K {
  static constexpr PackKind kKind = kPackQ3_K;
  static constexpr Traits kTraits = Q6_K::kTraits;
  using Super = OneScale;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_three_bits(at, g.w);
    decode_codes<kThreeBitBook, 32>(g.w);
    g.scales[0] = signed_scale(super.d, at.scale);
    g.scales[1] = signed_scale(super.d, at.scale + 16);
    return g;
  }
};

// The grid formats. Scales of a group are odd numbers s of five bits; the numbers of the grids
// times d * s / 4 (IQ3_XXS), d * s (IQ3_S) or d * s / 8 (IQ2, IQ1).
struct IQ3_XXS {
  static constexpr PackKind kKind = kPackIQ3_XXS;
  static constexpr Traits kTraits = kWideTraits;
  using Super = ScaleOver<4>;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_nibbles(at.quant, g.w);
    decode_codes<kIq3XxsBook, 128>(g.w);
    g.scales[0] = unsigned_scale(super.d, at.scale);
    return g;
  }
};
struct IQ3_S {
  static constexpr PackKind kKind = kPackIQ3_S;
  static constexpr Traits kTraits = MXFP4::kTraits;
  using Super = OneScale;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_nibbles(at.quant, g.w);
    decode_codes<kIq3SBook, 16>(g.w);
    g.scales[0] = unsigned_scale(super.d, at.scale);
    return g;
  }
};
struct IQ2_XXS {
  static constexpr PackKind kKind = kPackIQ2_XXS;
  static constexpr Traits kTraits = kWideTraits;
  using Super = ScaleOver<8>;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_three_bits(at, g.w);
    decode_codes<kIq2Book, 128>(g.w);
    g.scales[0] = unsigned_scale(super.d, at.scale);
    return g;
  }
};
struct IQ2_S {
  static constexpr PackKind kKind = kPackIQ2_S;
  static constexpr Traits kTraits = {kXStart32, false, false, true, 1};
  using Super = ScaleOver<8>;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_three_bits(at, g.w);
    decode_codes<kIq2Book, 64>(g.w);
    g.scales[0] = unsigned_scale(super.d, at.scale);
    g.scales[1] = unsigned_scale(super.d, at.scale + 16);
    return g;
  }
};

// Digits of -1, 0, 1 as 0, 1, 2, and a minimum that undoes that and shifts the group by an eighth
// up or down: s - s / 8 or s + s / 8, as a number of eighths.
struct ScaleAndEighth {
  F32x16 d, eighth;
  CHASQUI_INLINE static ScaleAndEighth load(const uint8_t* p) {
    const F32x16 d = load_f16(as_halves(p));
    return {d, mul(d, set1(0.125f))};
  }
};
struct IQ1_S {
  static constexpr PackKind kKind = kPackIQ1_S;
  static constexpr Traits kTraits = Q4_K::kTraits;
  using Super = ScaleAndEighth;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_two_bits(at.quant, g.w);
    g.scales[0] = unsigned_scale(super.d, at.scale);
    g.minima[0] = unsigned_scale(super.eighth, at.scale + 16);
    return g;
  }
};
struct IQ1_M {
  static constexpr PackKind kKind = kPackIQ1_M;
  static constexpr Traits kTraits = Q6_K::kTraits;
  using Super = ScaleOver<8>;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_three_bits(at, g.w);
    decode_codes<kIq1MBook, 32>(g.w);
    g.scales[0] = unsigned_scale(super.d, at.scale);
    g.scales[1] = unsigned_scale(super.d, at.scale + 16);
    return g;
  }
};

// One scale for many groups. Each of them reads it again: GCC 12 takes a vector that is only copied
// through the stack.
struct ScaleAt {
  const uint8_t* p;
  CHASQUI_INLINE static ScaleAt load(const uint8_t* p) { return {p}; }
  CHASQUI_INLINE F32x16 scale() const { return load_f16(as_halves(p)); }
};
CHASQUI_INLINE Group load_two_bit_group(const GroupAt& at, const ScaleAt& super) {
  Group g;
  load_two_bits(at.quant, g.w);
  decode_codes<kTwoBitBook, 8>(g.w);
  g.scales[0] = super.scale();
  return g;
}
struct Ternary {
  static constexpr PackKind kKind = kPackTernary;
  static constexpr Traits kTraits = Q4_0::kTraits;
  using Super = ScaleAt;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    return load_two_bit_group(at, super);
  }
};
struct Q2_0 {
  static constexpr PackKind kKind = kPackQ2_0;
  static constexpr Traits kTraits = Q4_0::kTraits;
  using Super = ScaleAt;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    return load_two_bit_group(at, super);
  }
};

// Plus and minus d as 16 and 0 with an offset of 8, times d / 8.
struct Q1_0 {
  static constexpr PackKind kKind = kPackQ1_0;
  static constexpr Traits kTraits = Q4_0::kTraits;
  using Super = ScaleAt;
  CHASQUI_INLINE static Group load(const GroupAt& at, const Super& super) {
    Group g;
    load_bit<4>(at.high, g.w);
    g.scales[0] = mul(super.scale(), set1(0.125f));
    return g;
  }
};

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
