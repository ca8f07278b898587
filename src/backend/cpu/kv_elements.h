// How 16 neighbouring cache elements become a vector and back: one struct an element type.
// Included by kernel files only.
#pragma once

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

struct F32Element {
  using Bits = float;
  static CHASQUI_INLINE F32x16 load(const Bits* p) { return CHASQUI_ISA::load(p); }
  static CHASQUI_INLINE void store(Bits* p, F32x16 a) { CHASQUI_ISA::store(p, a); }
  static CHASQUI_INLINE void store_first(Bits* p, F32x16 a, int n) {
    CHASQUI_ISA::store_first(p, a, n);
  }
};

struct F16Element {
  using Bits = uint16_t;
  static CHASQUI_INLINE F32x16 load(const Bits* p) { return load_f16(p); }
  static CHASQUI_INLINE void store(Bits* p, F32x16 a) { store_f16(p, a); }
  static CHASQUI_INLINE void store_first(Bits* p, F32x16 a, int n) { store_f16_first(p, a, n); }
};

struct Bf16Element {
  using Bits = uint16_t;
  static CHASQUI_INLINE F32x16 load(const Bits* p) { return load_bf16(p); }
  static CHASQUI_INLINE void store(Bits* p, F32x16 a) { store_bf16(p, a); }
  static CHASQUI_INLINE void store_first(Bits* p, F32x16 a, int n) { store_bf16_first(p, a, n); }
};

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
