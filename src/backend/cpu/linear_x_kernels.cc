// Activations to signed bytes; linear_kernels.h has the layout.
#include "backend/cpu/internal/signed_bytes.h"
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

CHASQUI_INLINE void quantize_group(const float* x, QuantizedGroup& out) {
  const SignedBytes bytes = to_signed_bytes(x, out.q);
  const int32_t low = bytes.low_sum;
  const int32_t high = bytes.high_sum;
  out.fields[kXScale] = bits_of(bytes.scale);
  out.fields[kXSum] = bits_of(bytes.scale * static_cast<float>(low + high));
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
