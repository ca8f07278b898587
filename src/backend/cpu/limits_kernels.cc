#include "backend/cpu/limits_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

LimitKernels limit_kernels();  // called by kernel_table.cc

namespace {

// Independent sums: enough to hide a latency of 4 to 5 cycles on two units.
constexpr int kChains = kVectorRegisters >= 32 ? 12 : 6;

float int8(int64_t rounds) {
  const U8x64 w = u8_set1(3);
  const int8_t bytes[4] = {1, -1, 2, -2};
  const S8x64 x = broadcast_quad(bytes);
  I32x16 sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = iset1(c);
  for (int64_t r = 0; r < rounds; ++r) {
    CHASQUI_UNROLL
    for (int c = 0; c < kChains; ++c) sums[c] = dot4(sums[c], w, x);
  }
  F32x16 all = zero();
  for (int c = 0; c < kChains; ++c) all = add(all, to_f32(sums[c]));
  return sum(all);
}

float f32(int64_t rounds) {
  const F32x16 a = set1(0.999f);
  const F32x16 b = set1(0.001f);
  F32x16 sums[kChains];
  for (int c = 0; c < kChains; ++c) sums[c] = set1(static_cast<float>(c));
  for (int64_t r = 0; r < rounds; ++r) {
    CHASQUI_UNROLL
    for (int c = 0; c < kChains; ++c) sums[c] = fma(sums[c], a, b);
  }
  F32x16 all = zero();
  for (int c = 0; c < kChains; ++c) all = add(all, sums[c]);
  return sum(all);
}

#ifdef __AVX512VNNI__
// The level does not demand AVX512_BF16, so this one function asks for it by itself.
__attribute__((target("avx512bf16"))) float bf16(int64_t rounds) {
  __m512 sums[kChains];
  const __m512i one = _mm512_set1_epi16(0x3f80);
  __m512bh a, b;
  __builtin_memcpy(&a, &one, sizeof(a));
  __builtin_memcpy(&b, &one, sizeof(b));
  for (int c = 0; c < kChains; ++c) sums[c] = _mm512_set1_ps(static_cast<float>(c));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) sums[c] = _mm512_dpbf16_ps(sums[c], a, b);
  }
  for (int c = 1; c < kChains; ++c) sums[0] = _mm512_add_ps(sums[0], sums[c]);
  return _mm512_cvtss_f32(sums[0]);
}
#endif

float read(const void* from, int64_t bytes) {
  const auto* p = static_cast<const int32_t*>(from);
  I32x16 sums[4] = {izero(), izero(), izero(), izero()};
  for (int64_t i = 0; i < bytes / 4; i += 128) {
    for (int line = 0; line < 8; ++line) {
      prefetch(p + i + 1024 + line * 16);
      sums[line % 4] = ior(sums[line % 4], load_i32(p + i + line * 16));
    }
  }
  return sum(to_f32(ior(ior(sums[0], sums[1]), ior(sums[2], sums[3]))));
}

}  // namespace

LimitKernels limit_kernels() {
  LimitKernels kernels = {};
  kernels.int8 = int8;
  kernels.f32 = f32;
  kernels.read = read;
  kernels.int8_macs = kChains * 64;
  kernels.f32_macs = kChains * 16;
#ifdef __AVX512VNNI__
  kernels.bf16 = bf16;
  kernels.bf16_macs = kChains * 32;
#endif
  return kernels;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
