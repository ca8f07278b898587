// The formats whose weights are codes: a table of 16 bytes turns each into an unsigned value.
#pragma once

#include "backend/cpu/codebooks.h"
#include "backend/cpu/linear_formats.h"

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

// Half of a float with 4 bits of exponent (biased by 7) and 3 of mantissa, see quant/nvfp4.h: its
// bits at their place in an f32, and the difference of the biases as a factor. Subnormals included.
CHASQUI_INLINE F32x16 small_float_scale(const uint8_t* p) {
  return mul(as_f32(shift_left<20>(load_u8x16(p))), set1(0x1.0p+119f));
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

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
