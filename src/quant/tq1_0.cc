#include "quant/tq1_0.h"

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {
namespace {

constexpr int kPowers[5] = {1, 3, 9, 27, 81};

// A run of bytes whose digits hold 5 (or, in qh, 4) times as many values: digit k of byte i is
// value `first` + k * bytes + i.
struct Run {
  int first;
  int bytes;
  int digits;
};
constexpr Run kLong = {0, 32, 5};     // qs[0..31]
constexpr Run kShort = {160, 16, 5};  // qs[32..47]
constexpr Run kHigh = {240, 4, 4};    // qh

void decode_run(const Run& run, const uint8_t* bytes, float d, float* to) {
  for (int k = 0; k < run.digits; ++k) {
    for (int i = 0; i < run.bytes; ++i) {
      const auto shifted = static_cast<uint8_t>(bytes[i] * kPowers[k]);
      to[run.first + k * run.bytes + i] = static_cast<float>((shifted * 3 >> 8) - 1) * d;
    }
  }
}

void encode_run(const Run& run, const float* from, float inv, uint8_t* bytes) {
  for (int i = 0; i < run.bytes; ++i) {
    int number = 0;
    for (int k = 0; k < run.digits; ++k) {
      const float value = from[run.first + k * run.bytes + i];
      number += (static_cast<int>(internal::quantize(value * inv, -1, 1)) + 1) * kPowers[4 - k];
    }
    bytes[i] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

}  // namespace

void decode_tq1_0(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 256) {
    const auto block = internal::load_block<BlockTQ1_0>(from, b);
    const float d = internal::half_to_float(block.d);
    decode_run(kLong, block.qs, d, to);
    decode_run(kShort, block.qs + kLong.bytes, d, to);
    decode_run(kHigh, block.qh, d, to);
  }
}

void encode_tq1_0(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const float* w = internal::block_weights<256>(weights, b);
    BlockTQ1_0 block;
    block.d = internal::scale_to_half(internal::fit_coarse_scale<256>(from, w, -1, 1));
    const float inv = internal::inverse(internal::half_to_float(block.d));
    encode_run(kLong, from, inv, block.qs);
    encode_run(kShort, from, inv, block.qs + kLong.bytes);
    encode_run(kHigh, from, inv, block.qh);
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
