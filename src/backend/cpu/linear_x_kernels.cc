// Activations to signed bytes; linear_kernels.h has the layout.
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_x_kernels(LinearKernels& kernels);

namespace {

// 32 values of one token, quantised.
struct QuantizedGroup {
  int8_t q[kGroupValues];
  int32_t fields[kXFields];  // floats as their bits
};

CHASQUI_INLINE int32_t bits_of(float x) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, 4);
  return bits;
}

// scale = largest magnitude / 127, q = x / scale to the nearest, ties to even. Infinities and NaN
// make the scale NaN, so that a broken row stays visibly broken.
CHASQUI_INLINE void quantize_group(const float* x, QuantizedGroup& out) {
  const F32x16 a = load(x);
  const F32x16 b = load(x + 16);
  const float largest = max_lane(max(abs(a), abs(b)));
  const float poison = sum(fma(a, zero(), mul(b, zero())));  // 0 or NaN
  const float scale = largest / 127.0f + poison;
  // A subnormal largest value would make the inverse infinite; such groups count as zero.
  const float inverse = largest >= 0x1.0p-118f ? 127.0f / largest : 0.0f;
  const F32x16 least = set1(-127.0f);
  const F32x16 most = set1(127.0f);
  // max(x, least) is `least` for NaN, which keeps the bytes in range.
  const F32x16 qa = min(max(round_nearest(mul(a, set1(inverse))), least), most);
  const F32x16 qb = min(max(round_nearest(mul(b, set1(inverse))), least), most);
  store_i8(out.q, to_i32(qa));
  store_i8(out.q + 16, to_i32(qb));
  // Both halves' sums in one: each is at most 16 x 127 < 2048, so 4096 x one + the other is exact
  // in f32, and so are all partial sums.
  const auto both = static_cast<int32_t>(sum(fma(qb, set1(4096.0f), qa)));
  const int32_t high = (both + 2048) >> 12;
  const int32_t low = both - 4096 * high;
  out.fields[kXScale] = bits_of(scale);
  out.fields[kXSum] = bits_of(scale * static_cast<float>(low + high));
  out.fields[kXStart8] = -8 * (low + high);
  out.fields[kXStart16] = -16 * (low + high);
  out.fields[kXStart128] = -128 * (low + high);
  out.fields[kXStart32] = -32 * low;
  out.fields[kXStart32High] = -32 * high;
}

// One token's part of a record of `width` tokens.
CHASQUI_INLINE void write_record(const QuantizedGroup& group, int64_t width, uint8_t* at) {
  for (int j = 0; j < kGroupValues / 4; ++j) {
    __builtin_memcpy(at + 4 * j * width, group.q + 4 * j, 4);
  }
  for (int f = 0; f < kXFields; ++f) {
    __builtin_memcpy(at + 4 * (kGroupValues / 4 + f) * width, &group.fields[f], 4);
  }
}

void quantize(const QuantizeTask& task) {
  for (int64_t first = 0; first < task.groups; first += kTileGroups) {
    const int64_t left = task.groups - first;
    const int64_t run = left < kTileGroups ? left : kTileGroups;
    for (int64_t t = task.token_begin; t < task.token_end; ++t) {
      const int64_t block = t / task.block_tokens * task.block_tokens;
      const int64_t rest = task.tokens - block;
      const int64_t width = rest < task.block_tokens ? rest : task.block_tokens;
      uint8_t* at =
          task.out + (first * task.tokens + block * run) * kXRecordBytes + 4 * (t - block);
      for (int64_t g = 0; g < run; ++g, at += width * kXRecordBytes) {
        QuantizedGroup group;
        quantize_group(task.x[t] + (first + g) * kGroupValues, group);
        write_record(group, width, at);
      }
    }
  }
}

}  // namespace

void add_x_kernels(LinearKernels& kernels) {
  kernels.quantize = quantize;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
