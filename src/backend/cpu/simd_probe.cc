#include "backend/cpu/simd_probe.h"

#include "backend/cpu/vector_math.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

SimdProbes simd_probes();

namespace {

const float* f(const void* p) {
  return static_cast<const float*>(p);
}
const int32_t* i(const void* p) {
  return static_cast<const int32_t*>(p);
}
const uint16_t* h(const void* p) {
  return static_cast<const uint16_t*>(p);
}
float* f(void* p) {
  return static_cast<float*>(p);
}
int32_t* i(void* p) {
  return static_cast<int32_t*>(p);
}
uint16_t* h(void* p) {
  return static_cast<uint16_t*>(p);
}

#define PROBE(name, ...)                                                      \
  {                                                                           \
    name, [](const void* a, const void* b, const void* c, int n, void* out) { \
      (void)a, (void)b, (void)c, (void)n, (void)out;                          \
      __VA_ARGS__;                                                            \
    }                                                                         \
  }
#define FLOATS(name, expression)                                           \
  PROBE(name, const F32x16 x = load(f(a)), y = load(f(b)), z = load(f(c)); \
        (void)x, (void)y, (void)z; store(f(out), expression))
#define INTS(name, expression)                                                       \
  PROBE(name, const I32x16 x = load_i32(i(a)), y = load_i32(i(b)); (void)x, (void)y; \
        store_i32(i(out), expression))
#define BYTES(name, expression)                                             \
  PROBE(name, const U8x64 x = load_u8(a), y = load_u8(b); (void)x, (void)y; \
        store_u8(out, expression))

constexpr SimdProbe kProbes[] = {
    FLOATS("add", add(x, y)),
    FLOATS("sub", sub(x, y)),
    FLOATS("mul", mul(x, y)),
    FLOATS("div", div(x, y)),
    FLOATS("sqrt", sqrt(abs(x))),
    FLOATS("fma", fma(x, y, z)),
    FLOATS("fnma", fnma(x, y, z)),
    FLOATS("min", min(x, y)),
    FLOATS("max", max(x, y)),
    FLOATS("select_less", select(less(x, y), x, z)),
    FLOATS("select_first", select(first_lanes(n), x, y)),
    FLOATS("sum", set1(sum(x))),
    FLOATS("max_lane", set1(max_lane(x))),
    FLOATS("round_nearest", round_nearest(x)),
    FLOATS("to_i32", as_f32(to_i32(x))),
    FLOATS("exp", exp(x)),
    FLOATS("sigmoid", sigmoid(x)),
    FLOATS("silu", silu(x)),
    FLOATS("tanh", tanh(x)),
    INTS("iadd", iadd(x, y)),
    INTS("isub", isub(x, y)),
    INTS("imul", imul(x, y)),
    INTS("iand", iand(x, y)),
    INTS("ior", ior(x, y)),
    INTS("shift_left", shift_left<5>(x)),
    INTS("shift_right", shift_right<5>(x)),
    INTS("iselect", iselect(iless(x, y), x, y)),
    INTS("to_f32", as_i32(to_f32(x))),
    BYTES("band", band(x, y)),
    BYTES("bor", bor(x, y)),
    PROBE("and_or", store_u8(out, and_or(load_u8(a), load_u8(b), load_u8(c)))),
    BYTES("shift_right_u16", shift_right_u16<4>(x)),
    BYTES("shift_left_u16", shift_left_u16<4>(x)),
    BYTES("u8_set1", u8_set1(static_cast<uint8_t>(n * 15))),
    PROBE("look_up", store_u8(out, look_up(load_table(a), band(load_u8(b), u8_set1(15))))),
    PROBE("load_first", store(f(out), load_first(f(a), n))),
    PROBE("store_first", store_first(f(out), load(f(a)), n)),
    PROBE("load_f16", store(f(out), load_f16(h(a)))),
    PROBE("load_f16_first", store(f(out), load_f16_first(h(a), n))),
    PROBE("store_f16", store_f16(h(out), load(f(a)))),
    PROBE("store_f16_first", store_f16_first(h(out), load(f(a)), n)),
    PROBE("load_bf16", store(f(out), load_bf16(h(a)))),
    PROBE("load_bf16_first", store(f(out), load_bf16_first(h(a), n))),
    PROBE("store_bf16", store_bf16(h(out), load(f(a)))),
    PROBE("store_bf16_first", store_bf16_first(h(out), load(f(a)), n)),
    PROBE("load_i8", store_i32(i(out), load_i8(static_cast<const int8_t*>(a)))),
    PROBE("load_u8x16", store_i32(i(out), load_u8x16(static_cast<const uint8_t*>(a)))),
    PROBE("store_i8", store_i8(static_cast<int8_t*>(out), load_i32(i(a)))),
    PROBE("dot4", store_i32(i(out), dot4(load_i32(i(c)), band(load_u8(a), u8_set1(127)),
                                         broadcast_quad(static_cast<const int8_t*>(b))))),
    // The offset of levels that compute with w instead of w - 128 is taken out again here.
    PROBE("dot4_wide", const S8x64 x = broadcast_quad(static_cast<const int8_t*>(b));
          const I32x16 offset = dot4(izero(), u8_set1(1), x);
          store_i32(i(out), isub(dot4_wide(load_i32(i(c)), load_u8(a), x),
                                 imul(offset, iset1(kWideOffset))))),
};

}  // namespace

SimdProbes simd_probes() {
  return {kProbes, static_cast<int>(sizeof(kProbes) / sizeof(kProbes[0]))};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
