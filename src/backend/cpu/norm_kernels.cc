// Compiled once per instruction-set level.
#include "backend/cpu/norm_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

NormKernels norm_kernels();

namespace {

constexpr int64_t kRun = 512;  // values added in f32 before the sum continues in double

CHASQUI_INLINE int tail(int64_t left) {
  return static_cast<int>(left < 16 ? left : 16);
}

// Sum of f(16 values, f32 accumulator) over x; lanes past the end are given as `fill`.
template <typename F>
CHASQUI_INLINE double sum_of(const float* x, int64_t n, float fill, F f) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kRun) {
    const int64_t end = begin + kRun < n ? begin + kRun : n;
    F32x16 acc = zero();
    int64_t i = begin;
    for (; i + 16 <= end; i += 16) acc = f(load(x + i), acc);
    if (i < end) {
      const int left = tail(end - i);
      acc = f(select(first_lanes(left), load_first(x + i, left), set1(fill)), acc);
    }
    total += static_cast<double>(sum(acc));
  }
  return total;
}

// out = ((x - mean_high) - mean_low) * scale * weight + bias
struct Affine {
  float mean_high;
  float mean_low;
  float scale;
  const float* weight;
  const float* bias;
};

template <bool kCentre>
CHASQUI_INLINE void apply(const float* x, float* out, int64_t n, const Affine& a) {
  for (int64_t i = 0; i < n; i += 16) {
    const int left = tail(n - i);
    F32x16 v = load_first(x + i, left);
    if (kCentre) v = sub(sub(v, set1(a.mean_high)), set1(a.mean_low));
    v = mul(v, set1(a.scale));
    if (a.weight != nullptr) v = mul(v, load_first(a.weight + i, left));
    if (a.bias != nullptr) v = add(v, load_first(a.bias + i, left));
    store_first(out + i, v, left);
  }
}

float inverse_root(double squares, int64_t n, float eps) {
  const double mean = squares / static_cast<double>(n) + static_cast<double>(eps);
  return static_cast<float>(1.0 / __builtin_sqrt(mean));
}

const float* at_group(const float* parameters, int64_t offset) {
  return parameters == nullptr ? nullptr : parameters + offset;
}

// Scales each group by scale_of(sum of its squares).
template <typename F>
CHASQUI_INLINE void by_squares(const NormTask& t, F scale_of) {
  for (int64_t g = 0; g < t.count; ++g) {
    const float* x = t.x + g * t.group;
    const double squares =
        sum_of(x, t.group, 0.0f, [](F32x16 v, F32x16 acc) { return fma(v, v, acc); });
    apply<false>(x, t.out + g * t.group, t.group,
                 {0, 0, scale_of(squares), at_group(t.weight, g * t.weight_step),
                  at_group(t.bias, g * t.weight_step)});
  }
}

void rms(const NormTask& t) {
  by_squares(t, [&](double squares) { return inverse_root(squares, t.group, t.eps); });
}

void l2(const NormTask& t) {
  by_squares(t, [&](double squares) { return inverse_root(squares, 1, t.eps); });
}

// The mean is kept in two floats: a mean much larger than the deviations would otherwise lose them
// to its own rounding.
void layer(const NormTask& t) {
  for (int64_t g = 0; g < t.count; ++g) {
    const float* x = t.x + g * t.group;
    const double mean = sum_of(x, t.group, 0.0f, [](F32x16 v, F32x16 acc) { return add(v, acc); }) /
                        static_cast<double>(t.group);
    const float high = static_cast<float>(mean);
    const float low = static_cast<float>(mean - static_cast<double>(high));
    const double squares = sum_of(x, t.group, high, [&](F32x16 v, F32x16 acc) {
      const F32x16 d = sub(v, set1(high));
      return fma(d, d, acc);
    });
    // Sum of (d - low)^2 where the d add up to n * low.
    const double centred = squares - static_cast<double>(t.group) * static_cast<double>(low) *
                                         static_cast<double>(low);
    apply<true>(x, t.out + g * t.group, t.group,
                {high, low, inverse_root(centred < 0 ? 0 : centred, t.group, t.eps),
                 at_group(t.weight, g * t.weight_step), at_group(t.bias, g * t.weight_step)});
  }
}

}  // namespace

NormKernels norm_kernels() {
  return {rms, layer, l2};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
