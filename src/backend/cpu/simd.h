// The 16-lane vectors that all kernels are written over. Each instruction-set level has its own
// implementation in isa/<level>/simd.h; a kernel file includes this header only, puts its code
// into namespace chasqui::backend::cpu::CHASQUI_ISA, and is compiled once per level.
//
// Every function gives the same bits on every level (NaN payloads aside): lanes are always 16,
// fused multiply-add is fused everywhere, and horizontal sums add in one fixed order. So a kernel
// that only uses these functions is bit-equal across levels by construction.
//
// Kernel files include nothing else except <stdint.h>, <stddef.h>, kernel_table.h and headers of
// kernels in the same namespace (tools/check_weak_symbols.sh watches over it).
//
// Types
//   F32x16, I32x16    16 lanes of f32, of i32 (shifts are logical)
//   U8x64, S8x64      64 bytes; lane i of a 32-bit view is bytes 4i .. 4i+3
//   Mask16            one bool a lane
// kVectorRegisters    F32x16 values that fit in registers, for choosing block sizes
//
// Memory (no alignment needed; *_first touch only the first n lanes, 0 <= n <= 16, and read the
// others as zero)
//   load, load_first, store, store_first            f32
//   load_f16, store_f16, load_bf16, store_bf16      16 halves <-> f32, round to nearest even;
//                                                   *_first likewise
//   load_i32, store_i32, load_i8, load_u8x16        i32; 16 signed, unsigned bytes widened
//   store_i8                                        16 lanes narrowed to bytes with saturation
//   load_u8, store_u8                               U8x64 from 64 bytes
//   broadcast_quad(p)                               S8x64: 4 bytes at p in each 32-bit lane
//   prefetch(p), prefetch_far(p)                    hints, p may be any address: the line into the
//                                                   first level, into the second only
//
// F32x16 arithmetic
//   zero(), set1(x), add, sub, mul, div, sqrt, abs
//   fma(a, b, c) = a * b + c, fnma(a, b, c) = c - a * b, both rounded once
//   min(a, b) = a < b ? a : b, max(a, b) = a > b ? a : b   (b when either is NaN)
//   less(a, b), first_lanes(n) -> Mask16; select(m, a, b) = m ? a : b
//   sum(a): lanes i and i+8, then i and i+4, i+2, i+1; max_lane(a) in the same order
//   round_nearest(a): to an integer, ties to even; REQUIRES |a| < 2^22
// I32x16
//   izero(), iset1, iadd, isub, imul, iand, ior, shift_left<N>, shift_right<N>
//   to_f32, to_i32 (nearest even), as_f32, as_i32 (same bits), iless(a, b) -> Mask16,
//   iselect(m, a, b)
// Bytes
//   band(U8x64, U8x64), bor, and_or(a, b, c) = (a & b) | c, u8_set1(x), shift_right_u16<N>(U8x64)
//   (in 16-bit units: mask after), shift_left_u16<N>
//   load_table(p): 16 bytes at p, four times; look_up(table, i): byte of the table for each byte of
//       i. REQUIRES i < 16
//   dot4(acc, w, x): lane i of acc += sum of w[4i+j] * x[4i+j], j < 4. REQUIRES w <= 127 (AVX2
//       adds pairs in 16 bits)
//   dot4_wide(acc, w, x): the same for w that holds a signed weight plus 128; computes with
//       (w - 128 + kWideOffset), where kWideOffset is 128 or 0 as suits the level. REQUIRES
//       x >= -127.
//
// vector_math.h builds exp and friends on top.
#pragma once

#ifndef CHASQUI_ISA
#error "kernel files are compiled by chasqui_isa_objects (cmake/isa.cmake)"
#endif

// CHASQUI_INLINE: vectors must not travel through memory from function to function.
// CHASQUI_UNROLL before a loop over registers, so that arrays of vectors become registers.
// Both mean nothing in the scalar level, where they would only make the compiler slow.
#ifdef CHASQUI_SIMD_SCALAR
#define CHASQUI_INLINE inline
#define CHASQUI_UNROLL
#else
#define CHASQUI_INLINE inline __attribute__((always_inline))
#define CHASQUI_UNROLL _Pragma("GCC unroll 16")
#endif

#include CHASQUI_SIMD_HEADER
